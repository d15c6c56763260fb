//! How a file is cut into chunks.
//!
//! TikTok divides and rounds **down**: the rest of the division rides on the last chunk. One chunk has to be declared with the size of the
//! file. Whether its megabytes are of 1000 or 1024 is not told, so the limits here hold under both readings.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The largest chunk but the last, and the largest file that may go as one: 64 MB, read as the smaller of its meanings.
pub const MAX_CHUNK_BYTES: u64 = 64_000_000;
/// The smallest chunk: 5 MB, read as the larger of its meanings.
pub const MIN_CHUNK_BYTES: u64 = 5_242_880;
/// The size of chunks unless told otherwise: that of TikTok's own example.
pub const DEFAULT_CHUNK_BYTES: u64 = 10_000_000;
/// The largest file: 4 GB, read as the larger of its meanings, since TikTok refuses what is too large by itself.
pub const MAX_FILE_BYTES: u64 = 4 << 30;

/// A file's size and the size of its chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Sizes", try_from = "Sizes")]
pub struct UploadPlan {
    size: u64,
    chunk: u64,
}

/// No file can be sent that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is nothing to send.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_FILE_BYTES`].
    #[error("the file has {0} bytes; TikTok takes at most 4 GiB ({MAX_FILE_BYTES} bytes)")]
    TooLarge(u64),
}

/// A plan as it is kept.
#[derive(Serialize, Deserialize)]
struct Sizes {
    size: u64,
    chunk: u64,
}

impl From<UploadPlan> for Sizes {
    fn from(plan: UploadPlan) -> Self {
        Self { size: plan.size, chunk: plan.chunk }
    }
}

impl TryFrom<Sizes> for UploadPlan {
    type Error = PlanError;

    fn try_from(sizes: Sizes) -> Result<Self, PlanError> {
        Self::new(sizes.size, sizes.chunk)
    }
}

impl UploadPlan {
    /// A plan for a file of `size` bytes. Chunks have about `preferred` bytes, as far as TikTok allows that.
    ///
    /// # Errors
    /// If TikTok takes no file of that size.
    pub fn new(size: u64, preferred: u64) -> Result<Self, PlanError> {
        if size == 0 {
            return Err(PlanError::Empty);
        }
        if size > MAX_FILE_BYTES {
            return Err(PlanError::TooLarge(size));
        }
        if size <= MAX_CHUNK_BYTES {
            return Ok(Self { size, chunk: size });
        }
        let chunk = preferred.clamp(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES);
        Ok(Self { size, chunk: if size / chunk < 2 { size / 2 } else { chunk } })
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn size(self) -> u64 {
        self.size
    }

    /// Bytes of each chunk but the last, which also has the rest.
    #[must_use]
    pub const fn chunk_size(self) -> u64 {
        self.chunk
    }

    /// How many chunks there are.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.size / self.chunk
    }

    /// The bytes of a chunk, counted from 0.
    #[must_use]
    pub const fn range(self, chunk: u64) -> Range<u64> {
        let first = chunk * self.chunk;
        first..if chunk + 1 >= self.count() { self.size } else { first + self.chunk }
    }

    /// How many chunks have arrived when TikTok tells of `uploaded` bytes. It tells sometimes how many there are and sometimes
    /// the number of the last one, so one less than a border is that border.
    #[must_use]
    pub const fn arrived(self, uploaded: u64) -> u64 {
        if uploaded == 0 {
            return 0;
        }
        if is_whole(uploaded, self.size) {
            return self.count();
        }
        let whole = (uploaded + 1) / self.chunk;
        // The last chunk is there when all is, and not when there is merely as much as a chunk of it.
        if whole >= self.count() { self.count() - 1 } else { whole }
    }
}

/// Whether `uploaded` bytes are all of `size`, told as their number or as that of the last one.
pub(crate) const fn is_whole(uploaded: u64, size: u64) -> bool {
    uploaded > 0 && uploaded.saturating_add(1) >= size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn planned(size: u64, preferred: u64) -> (u64, u64, Range<u64>) {
        let plan = UploadPlan::new(size, preferred).unwrap();
        (plan.chunk_size(), plan.count(), plan.range(plan.count() - 1))
    }

    #[test]
    fn files_are_cut_as_tiktok_counts() {
        let ten = DEFAULT_CHUNK_BYTES;
        assert_eq!(planned(3_145_728, ten), (3_145_728, 1, 0..3_145_728));
        assert_eq!(planned(64_000_000, ten), (64_000_000, 1, 0..64_000_000));
        assert_eq!(planned(64_000_001, ten), (ten, 6, 50_000_000..64_000_001));
        assert_eq!(planned(66_259_900, ten), (ten, 6, 50_000_000..66_259_900));
        assert_eq!(planned(602_285_541, ten), (ten, 60, 590_000_000..602_285_541));
        assert_eq!(planned(4_294_967_296, ten), (ten, 429, 4_280_000_000..4_294_967_296));
        assert_eq!(planned(100_000_000, 64_000_000), (50_000_000, 2, 50_000_000..100_000_000));
        // TikTok's own example, which is smaller than what is cut here.
        let example = UploadPlan { size: 50_000_123, chunk: ten };
        assert_eq!((example.count(), example.range(4)), (5, 40_000_000..50_000_123));
    }

    #[test]
    fn what_tiktok_does_not_take_is_refused() {
        assert_eq!(UploadPlan::new(0, 1), Err(PlanError::Empty));
        assert_eq!(UploadPlan::new(MAX_FILE_BYTES + 1, 1), Err(PlanError::TooLarge(MAX_FILE_BYTES + 1)));
    }

    fn sizes() -> impl Strategy<Value = u64> {
        let border = (0..70_u64, -2..=2_i64).prop_map(|(chunks, by)| {
            (chunks * MAX_CHUNK_BYTES).saturating_add_signed(by).clamp(1, MAX_FILE_BYTES)
        });
        prop_oneof![1..=MAX_FILE_BYTES, 1..200_000_000_u64, border]
    }

    proptest! {
        #[test]
        fn every_plan_keeps_the_rules(size in sizes(), preferred in prop_oneof![any::<u64>(), 1..100_000_000_u64]) {
            let plan = UploadPlan::new(size, preferred).unwrap();
            let (chunk, count) = (plan.chunk_size(), plan.count());
            prop_assert_eq!(count, size / chunk);
            prop_assert!((1..=1000).contains(&count));
            prop_assert!(count > 1 || chunk == size);
            prop_assert!(size <= MAX_CHUNK_BYTES || count >= 2);
            prop_assert!(count == 1 || (MIN_CHUNK_BYTES..=MAX_CHUNK_BYTES).contains(&chunk));
            let mut end = 0;
            for number in 0..count {
                let range = plan.range(number);
                prop_assert_eq!(range.start, end);
                prop_assert_eq!(plan.arrived(range.start), number);
                prop_assert_eq!(plan.arrived(range.start.saturating_sub(1)), number);
                end = range.end;
            }
            prop_assert_eq!(end, size);
            prop_assert_eq!(plan.arrived(size), count);
            prop_assert!(size == 1 || plan.arrived(size - 1) == count);
            let last = plan.range(count - 1);
            prop_assert!(last.end - last.start >= chunk && last.end - last.start <= 128_000_000);
        }

        #[test]
        fn a_plan_that_was_kept_is_the_same(size in sizes(), preferred in any::<u64>()) {
            let plan = UploadPlan::new(size, preferred).unwrap();
            let kept = serde_json::to_string(&plan).unwrap();
            prop_assert_eq!(serde_json::from_str::<UploadPlan>(&kept).unwrap(), plan);
        }
    }
}
