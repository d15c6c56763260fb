use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;
use timeline::{GapCause, MediaDuration};

use super::*;
use crate::hls::clock::SegmentClock;
use crate::hls::{InitSection, Packing};

/// Segment `index` of a stream of 2 s segments. Its bytes are no media; placements are given by hand.
fn segment(index: u64, packing: Packing) -> Segment {
    Segment {
        sequence: 1_000 + index,
        epoch: 0,
        duration: MediaDuration::from_secs(2),
        discontinuity: false,
        program_date_time: Timestamp::from_second(1_800_000_000 + 2 * index as i64).ok(),
        packing,
        init: (packing == Packing::Fragmented)
            .then(|| Arc::new(InitSection { bytes: Bytes::from_static(b"a head") })),
        bytes: Bytes::from(vec![index as u8; 100 + index as usize]),
    }
}

fn span(start: i64, end: i64) -> Span {
    Span::new(MediaTime::from_secs(start), MediaTime::from_secs(end))
}

fn placement(index: u64, group: u32) -> Placement {
    let start = 2 * index as i64;
    Placement { span: span(start, start + 2), offset: MediaDuration::from_secs(-7), group }
}

fn open(folder: &TempDir) -> (SegmentStore, Recovered) {
    SegmentStore::open(&folder.path().join("recording")).expect("it is opened")
}

/// A store of `count` segments in one group.
fn filled(count: u64, packing: Packing) -> (TempDir, SegmentStore) {
    let folder = TempDir::new().expect("a folder");
    let (mut store, recovered) = open(&folder);
    assert_eq!(recovered, Recovered::default());
    for index in 0..count {
        let entry = store.append(&segment(index, packing), &placement(index, 0)).expect("it is stored");
        assert_eq!(entry.map(|entry| entry.number), Some(index + 1));
    }
    (folder, store)
}

fn file(store: &SegmentStore, number: u64) -> std::path::PathBuf {
    store.dir().join("segments").join(format!("{number:08}.ts"))
}

#[test]
fn what_was_stored_is_there_after_opening_again() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let (folder, mut store) = filled(5, packing);
        let gap = Gap { span: span(10, 13), cause: GapCause::Missing };
        store.append_gap(gap).expect("it is noted");
        let late = Placement { span: span(13, 15), offset: MediaDuration::ZERO, group: 1 };
        store.append(&segment(7, packing), &late).expect("it is stored").expect("it is new");
        let (entries, bytes) = (store.entries().to_vec(), store.bytes());
        assert_eq!(store.append(&segment(3, packing), &placement(9, 0)).expect("no error"), None);
        drop(store);
        let (store, recovered) = open(&folder);
        assert_eq!((store.entries(), store.bytes(), store.span()), (&entries[..], bytes, span(0, 15)));
        assert_eq!(store.gaps().iter().map(|gap| gap.span).collect::<Vec<_>>(), [gap.span]);
        assert!(store.holds(0, 1_003) && !store.holds(0, 1_005) && !store.holds(1, 1_003));
        let expected = Recovered { clock: recovered.clock.clone(), ..Recovered::default() };
        assert_eq!((recovered.clock.now(), &recovered), (MediaTime::from_secs(15), &expected));
        let stored = fs_err::read(store.files.segment(&entries[4].segment().expect("a segment").file));
        assert_eq!(stored.expect("it is there"), segment(4, packing).bytes);
        let inits = store.files.init_names().expect("it can be listed");
        assert_eq!(inits.len(), usize::from(packing == Packing::Fragmented));
    }
}

#[test]
fn the_index_cut_anywhere_costs_lines_and_never_order() {
    let (folder, store) = filled(4, Packing::Transport);
    let path = store.dir().join(index::NAME);
    let index = fs_err::read(&path).expect("it is there");
    drop(store);
    for cut in 0..=index.len() {
        fs_err::write(&path, &index[..cut]).expect("it can be cut");
        let lines = index[..cut].iter().filter(|byte| **byte == b'\n').count();
        let (store, recovered) = open(&folder);
        // The files hold no timestamps, so those without a line are left alone.
        assert_eq!((store.segments().count(), recovered.indexed_anew), (lines, 0), "cut at {cut}");
        assert_eq!(recovered.torn_line, index[..cut].last().is_some_and(|byte| *byte != b'\n'));
        assert!(file(&store, 4).exists());
        // Their numbers are not used again.
        assert_eq!(store.next_number, 5);
    }
}

#[test]
fn a_line_out_of_order_costs_no_file_and_breaks_no_count() {
    let (folder, store) = filled(3, Packing::Transport);
    let path = store.dir().join(index::NAME);
    let index = fs_err::read_to_string(&path).expect("it is there");
    let entries = store.entries().to_vec();
    drop(store);
    let lines: Vec<&str> = index.lines().collect();
    let far = lines[2].replace("00000003", &u64::MAX.to_string()).replace(":3,", &format!(":{},", u64::MAX));
    let early = lines[0].replace("00000001", "00000007").replace(":1,", ":7,").replace(":1000,", ":2000,");
    let early_gap = r#"{"kind":"gap","number":9,"span":{"start":0,"end":5},"cause":"file_lost"}"#;
    for strange in [lines[0], lines[2], &far, &early, early_gap] {
        fs_err::write(&path, format!("{index}{strange}\n")).expect("it can be added to");
        let (mut store, recovered) = open(&folder);
        assert_eq!((store.entries(), recovered.damaged_lines), (&entries[..], 1), "{strange}");
        assert!((1..=3).all(|number| file(&store, number).exists()), "{strange}");
        store.append(&segment(4, Packing::Transport), &placement(4, 0)).expect("it is stored");
    }
}

#[test]
fn a_crash_at_any_step_leaves_all_of_a_segment_or_nothing() {
    let (folder, store) = filled(3, Packing::Transport);
    let (named, partial) = (file(&store, 3), store.dir().join("segments/00000003.ts.partial"));
    let path = store.dir().join(index::NAME);
    let with_line = fs_err::read(&path).expect("it is there");
    let end = with_line[..with_line.len() - 1].iter().rposition(|byte| *byte == b'\n').expect("lines") + 1;
    drop(store);
    // The file is being written, or is complete and has no line: nothing was promised yet.
    for length in [0, 50, 102] {
        let _ = fs_err::remove_file(&named);
        fs_err::write(&path, &with_line[..end]).expect("it is written");
        fs_err::write(&partial, &segment(2, Packing::Transport).bytes[..length]).expect("it is written");
        let (store, recovered) = open(&folder);
        assert_eq!((store.segments().count(), recovered.finished), (2, 0));
        assert!(!partial.exists() && !store.holds(0, 1_002));
    }
    // It has its line and not its name.
    fs_err::write(&path, &with_line).expect("it is written");
    fs_err::write(&partial, &segment(2, Packing::Transport).bytes).expect("it is written");
    let (store, recovered) = open(&folder);
    assert_eq!((store.segments().count(), recovered.finished, recovered.files_lost), (3, 1, 0));
    assert!(!partial.exists() && named.exists() && store.holds(0, 1_002));
}

#[test]
fn a_file_that_is_gone_is_a_gap() {
    let (folder, store) = filled(5, Packing::Transport);
    fs_err::remove_file(file(&store, 3)).expect("it is there");
    drop(store);
    for round in 0..2 {
        let (store, recovered) = open(&folder);
        assert_eq!(recovered.files_lost, usize::from(round == 0));
        let gaps = store.gaps();
        assert_eq!((gaps.len(), gaps[0].span, gaps[0].cause), (1, span(4, 6), Absence::FileLost));
        assert_eq!(store.contiguous(span(0, 10)), None);
        assert_eq!(store.contiguous(span(1, 5)), Some(span(1, 4)));
        assert_eq!(store.contiguous(span(7, 20)), None);
        assert_eq!(store.contiguous(span(7, 10)), Some(span(7, 10)));
        // It does not come back.
        assert!(store.holds(0, 1_002));
    }
}

#[test]
fn lines_that_name_other_files_are_not_followed() {
    let (folder, store) = filled(1, Packing::Transport);
    let outside = folder.path().join("precious.ts");
    fs_err::write(&outside, b"of somebody else").expect("it is written");
    let mut index =
        fs_err::OpenOptions::new().append(true).open(store.dir().join(index::NAME)).expect("an index");
    let line = serde_json::to_string(&Line::Segment(SegmentEntry {
        number: 2,
        file: "../../precious.ts".to_owned(),
        sequence: 1,
        ..store.segments().next().expect("one").clone()
    }));
    writeln!(index, "{}\n{{\"kind\":\"removed\",\"number\":2}}\nnonsense", line.expect("plain data"))
        .expect("written");
    drop((index, store));
    let (store, recovered) = open(&folder);
    assert_eq!((store.segments().count(), recovered.damaged_lines), (1, 2));
    assert!(outside.exists());
    drop(store);
    assert_eq!(open(&folder).1.damaged_lines, 0, "the index was written anew");
}

#[test]
fn groups_part_what_is_contiguous() {
    let (_folder, mut store) = filled(3, Packing::Transport);
    store.append(&segment(3, Packing::Transport), &placement(3, 1)).expect("it is stored");
    assert_eq!(store.contiguous(span(1, 8)), Some(span(1, 6)));
    assert_eq!(store.contiguous(span(5, 8)), Some(span(6, 8)));
    assert_eq!(store.contiguous(span(20, 30)), None);
    assert_eq!(store.gaps(), []);
}

#[test]
fn old_segments_are_removed_but_for_those_that_are_needed() {
    let (folder, mut store) = filled(20, Packing::Transport);
    let pinned = SpanSet::from(vec![span(11, 13)]);
    let before = store.bytes();
    let freed = store.remove_before(MediaTime::from_secs(31), &pinned).expect("they are removed");
    assert_eq!(before - store.bytes(), freed);
    // Segments 5 and 6 are pinned, 4 and 7 are their neighbours.
    let left: Vec<u64> = store.segments().map(|segment| segment.number - 1).collect();
    assert_eq!(left, [4, 5, 6, 7, 15, 16, 17, 18, 19]);
    assert!(!file(&store, 1).exists() && file(&store, 5).exists());
    assert_eq!(store.remove_before(MediaTime::from_secs(31), &pinned).expect("nothing is left to do"), 0);
    let gaps = |store: &SegmentStore| -> Vec<(Span, Absence)> {
        store.gaps().iter().map(|gap| (gap.span, gap.cause)).collect()
    };
    let joined = [(span(0, 8), Absence::Removed), (span(16, 30), Absence::Removed)];
    assert!(gaps(&store).iter().all(|(_, cause)| *cause == Absence::Removed));
    drop(store);
    let (mut store, recovered) = open(&folder);
    assert_eq!(gaps(&store), joined);
    assert_eq!((store.span(), recovered.files_lost), (span(0, 40), 0));
    assert!(store.holds(0, 1_000) && store.holds(0, 1_014));
    // All may go but the last, from which the clock goes on.
    store.remove_before(MediaTime::MAX, &SpanSet::new()).expect("they are removed");
    assert_eq!(store.segments().map(|segment| segment.number).collect::<Vec<_>>(), [20]);
    drop(store);
    let (store, recovered) = open(&folder);
    assert_eq!((store.next_number, recovered.clock.now()), (21, MediaTime::from_secs(40)));
}

#[test]
fn a_removal_cut_short_is_finished() {
    let (folder, mut store) = filled(3, Packing::Transport);
    let bytes = fs_err::read(file(&store, 1)).expect("it is there");
    store.remove_before(MediaTime::from_secs(2), &SpanSet::new()).expect("it is removed");
    fs_err::write(file(&store, 1), bytes).expect("it is back");
    let path = file(&store, 1);
    drop(store);
    assert_eq!(open(&folder).0.segments().count(), 2);
    assert!(!path.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_nothing_that_was_stored() {
    let (folder, mut store) = filled(2, Packing::Transport);
    let partial = store.dir().join("segments/00000003.ts.partial");
    std::os::unix::fs::symlink("/dev/full", &partial).expect("a link");
    let error =
        store.append(&segment(2, Packing::Transport), &placement(2, 0)).expect_err("the disk is full");
    assert!(matches!(&error, Error::NoSpace { path, .. } if *path == partial), "{error:?}");
    assert_eq!((store.segments().count(), store.holds(0, 1_002)), (2, false));
    // There is room again.
    let stored = store.append(&segment(2, Packing::Transport), &placement(2, 0)).expect("it is stored");
    assert_eq!(stored.map(|entry| entry.number), Some(3));
    drop(store);
    assert_eq!(open(&folder).0.segments().count(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_index_opens(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let (folder, store) = filled(3, Packing::Transport);
        let path = store.dir().join(index::NAME);
        drop(store);
        let mut index = fs_err::read(&path).expect("it is there");
        for (place, value) in cuts {
            let place = place.index(index.len());
            index[place] = value;
        }
        index.extend(bytes);
        fs_err::write(&path, &index).expect("it is written");
        let first = open(&folder).0.entries().to_vec();
        let (store, recovered) = open(&folder);
        prop_assert_eq!(store.entries(), &first[..]);
        let clean = Recovered { clock: SegmentClock::new(), ..Recovered::default() };
        prop_assert_eq!(Recovered { clock: SegmentClock::new(), ..recovered }, clean, "all was mended at once");
        let all = SpanSet::from(vec![store.span()]);
        prop_assert!(store.gaps().iter().all(|gap| all.intersection(&SpanSet::from(vec![gap.span])).duration() == gap.span.duration()));
    }
}
