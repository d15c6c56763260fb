//! Any text as the index of a recording: the recording opens, stays inside its folder, tells of its gaps, can be recorded
//! on, and is the same when it is opened again.

#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use media_io::hls::store::SegmentStore;
use media_io::hls::{Packing, Segment};
use timeline::{Gap, GapCause, MediaDuration, MediaTime, Span, SpanSet};

/// A second of sound as a transport stream.
const SOUND: &[u8] = include_bytes!("../seeds/segment_file.ts");

fuzz_target!(|index: &[u8]| {
    let root = tempfile::tempdir().expect("a folder");
    let (dir, outside) = (root.path().join("recording"), root.path().join("outside.ts"));
    fs::create_dir_all(dir.join("segments")).expect("a folder");
    fs::write(&outside, b"not ours").expect("room for it");
    fs::write(dir.join("index.jsonl"), index).expect("room for it");
    for name in ["00000001.ts", "00000002.ts.partial", "00000004.ts"] {
        fs::write(dir.join("segments").join(name), SOUND).expect("room for it");
    }
    open(&dir);
    record_on(&dir);
    assert!(outside.exists(), "a file outside of the recording is gone");
});

/// Opens the recording twice.
fn open(dir: &Path) {
    let (first, recovered) = SegmentStore::open(dir).expect("it opens, whatever its index says");
    look_at(&first);
    let entries = first.entries().to_vec();
    drop(first);
    let (second, again) = SegmentStore::open(dir).expect("it opens again");
    assert_eq!(second.entries(), entries);
    assert_eq!((again.damaged_lines, again.torn_line, again.finished), (0, false, 0), "{recovered:?}");
}

fn record_on(dir: &Path) {
    let (mut store, recovered) = SegmentStore::open(dir).expect("it opens");
    let mut clock = recovered.clock;
    clock.resume(Some(MediaDuration::from_secs(3)));
    let before = clock.now();
    let segment = Segment {
        sequence: 7,
        epoch: u32::MAX,
        duration: MediaDuration::from_secs(1),
        discontinuity: true,
        program_date_time: None,
        packing: Packing::Transport,
        init: None,
        bytes: SOUND.into(),
    };
    let placed = clock.place(&segment).expect("it has timestamps");
    assert!(before <= placed.placement.span.start(), "{before:?} and then {placed:?}");
    if let Some(gap) = placed.gap {
        store.append_gap(gap).expect("room for it");
    }
    let held = store.holds(segment.epoch, segment.sequence);
    let stored = store.append(&segment, &placed.placement).expect("room for it");
    assert_eq!(stored.is_none(), held);
    let rest = Span::starting_at(clock.now(), MediaDuration::from_secs(2));
    store.append_gap(Gap { span: rest, cause: GapCause::Missing }).expect("room for it");
    look_at(&store);
    store.remove_before(MediaTime::from_secs(1), &SpanSet::from(vec![rest])).expect("they can be removed");
    look_at(&store);
    drop(store);
    let (again, _) = SegmentStore::open(dir).expect("it opens");
    look_at(&again);
    assert!(again.holds(segment.epoch, segment.sequence));
}

fn look_at(store: &SegmentStore) {
    let whole = store.span();
    assert!(
        store.entries().windows(2).all(|pair| pair[0].span().end() <= pair[1].span().start()),
        "{:?}",
        store.entries()
    );
    for gap in store.gaps() {
        assert!(whole.covers(gap.span), "{gap:?} outside of {whole}");
    }
    let _ = store.bytes();
    for entry in store.entries() {
        if let Some(part) = store.contiguous(entry.span()) {
            assert!(entry.span().covers(part));
        }
    }
}
