//! Which clips have to go.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use timeline::ClipId;

use crate::clip::ClipRecord;

/// How long clips are kept, and how much room they may take; without a limit, for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Clips made longer ago than this go.
    pub max_age: Option<SignedDuration>,
    /// While all clips together are larger than this, in bytes, the oldest go.
    pub max_total_bytes: Option<u64>,
}

impl Retention {
    /// The clips that have to go, oldest first. Those in `keep` stay whatever the limits say, and count as room taken.
    pub(crate) fn overdue<'clips>(
        &self,
        clips: &'clips [ClipRecord],
        now: Timestamp,
        keep: &HashSet<ClipId>,
    ) -> Vec<&'clips ClipRecord> {
        let mut oldest_first: Vec<&ClipRecord> = clips.iter().collect();
        oldest_first.sort_by_key(|clip| (clip.created_at, clip.id));
        let mut taken = clips.iter().map(ClipRecord::total_bytes).fold(0, u64::saturating_add);
        oldest_first.retain(|clip| {
            let too_old = self.max_age.is_some_and(|max_age| now.duration_since(clip.created_at) > max_age);
            let too_much = self.max_total_bytes.is_some_and(|max_bytes| taken > max_bytes);
            let goes = !keep.contains(&clip.id) && (too_old || too_much);
            if goes {
                taken = taken.saturating_sub(clip.total_bytes());
            }
            goes
        });
        oldest_first
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use timeline::Digest;

    use super::*;
    use crate::clip::{FileKind, StoredFile};

    const NOW: i64 = 1_000_000;

    fn clip(number: usize, age_seconds: i64, bytes: u64) -> ClipRecord {
        let mut digest = [0; Digest::BYTES];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        let file = StoredFile { file: "a.mp4".to_owned(), bytes, sha256: String::new() };
        ClipRecord {
            id: ClipId(Digest::from_bytes(digest)),
            streamer: "demo".parse().expect("a name"),
            name: number.to_string(),
            created_at: Timestamp::from_second(NOW - age_seconds).expect("a time"),
            files: BTreeMap::from([(FileKind::Video, file)]),
            details: serde_json::Map::new(),
        }
    }

    fn names(clips: &[&ClipRecord]) -> Vec<String> {
        clips.iter().map(|clip| clip.name.clone()).collect()
    }

    #[test]
    fn the_oldest_go_first_and_kept_ones_count() {
        let clips = [clip(0, 10, 40), clip(1, 30, 40), clip(2, 20, 40)];
        let now = Timestamp::from_second(NOW).expect("a time");
        let by_size = |max| Retention { max_age: None, max_total_bytes: Some(max) };
        assert_eq!(names(&by_size(120).overdue(&clips, now, &HashSet::new())), [] as [&str; 0]);
        assert_eq!(names(&by_size(119).overdue(&clips, now, &HashSet::new())), ["1"]);
        assert_eq!(names(&by_size(60).overdue(&clips, now, &HashSet::new())), ["1", "2"]);
        assert_eq!(names(&by_size(60).overdue(&clips, now, &HashSet::from([clips[1].id]))), ["2", "0"]);
        let by_age = Retention { max_age: Some(SignedDuration::from_secs(20)), max_total_bytes: None };
        assert_eq!(
            names(&by_age.overdue(&clips, now, &HashSet::new())),
            ["1"],
            "exactly the age is not over it"
        );
        assert!(Retention::default().overdue(&clips, now, &HashSet::new()).is_empty());
    }

    proptest! {
        #[test]
        fn what_stays_keeps_the_limits(
            ages_and_sizes in prop::collection::vec((0_i64..100, 0_u64..100), 0..20),
            max_age in prop::option::of(0_i64..100),
            max_total_bytes in prop::option::of(0_u64..500),
            kept in prop::collection::hash_set(0_usize..20, 0..5),
        ) {
            let clips: Vec<ClipRecord> =
                ages_and_sizes.iter().enumerate().map(|(number, (age, bytes))| clip(number, *age, *bytes)).collect();
            let keep: HashSet<ClipId> = kept.iter().filter_map(|number| clips.get(*number)).map(|clip| clip.id).collect();
            let retention = Retention { max_age: max_age.map(SignedDuration::from_secs), max_total_bytes };
            let now = Timestamp::from_second(NOW).expect("a time");
            let gone: HashSet<ClipId> = retention.overdue(&clips, now, &keep).iter().map(|clip| clip.id).collect();
            prop_assert!(gone.is_disjoint(&keep));
            let left: Vec<&ClipRecord> = clips.iter().filter(|clip| !gone.contains(&clip.id)).collect();
            let free_to_go = left.iter().filter(|clip| !keep.contains(&clip.id));
            if let Some(max_age) = retention.max_age {
                prop_assert!(free_to_go.clone().all(|clip| now.duration_since(clip.created_at) <= max_age));
            }
            if let Some(max_bytes) = max_total_bytes {
                let taken: u64 = left.iter().map(|clip| clip.total_bytes()).sum();
                prop_assert!(taken <= max_bytes || free_to_go.count() == 0);
            }
        }
    }
}
