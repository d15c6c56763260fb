use proptest::prelude::*;

use super::*;

const DAY: &str = "2026-10-08T12:00:00Z";

fn day() -> Timestamp {
    DAY.parse().unwrap()
}

/// A list of 2 s segments from `content`, the first numbered `sequence`; dated by content if `dated`.
fn list(sequence: u64, content: std::ops::Range<u64>, dated: bool) -> MediaList {
    let entry = |(number, content): (u64, u64)| Entry {
        sequence: number,
        uri: Reference::new(format!("{content}.ts")),
        duration: MediaDuration::from_secs(2),
        discontinuity: false,
        program_date_time: dated.then(|| day() + SignedDuration::from_secs(2 * content.cast_signed())),
        byte_range: None,
        encryption: None,
        init: None,
        absent: false,
    };
    MediaList {
        target_duration: MediaDuration::from_secs(6),
        sequence,
        discontinuity_sequence: None,
        entries: (sequence..).zip(content).map(entry).collect(),
        ended: false,
    }
}

fn names(update: &Update) -> Vec<String> {
    update.fresh.iter().map(|entry| entry.uri.expose().to_owned()).collect()
}

fn feed(window: &mut Window, list: &MediaList) -> Update {
    window.update(list, Duration::from_secs(2), JoinAt::Oldest)
}

#[test]
fn only_what_is_new_is_taken() {
    for dated in [true, false] {
        let mut window = Window::default();
        assert_eq!(names(&feed(&mut window, &list(7, 7..10, dated))), ["7.ts", "8.ts", "9.ts"]);
        assert_eq!(feed(&mut window, &list(7, 7..10, dated)), Update::default());
        assert_eq!(names(&feed(&mut window, &list(9, 9..12, dated))), ["10.ts", "11.ts"]);
    }
    let mut window = Window::default();
    let joined = window.update(&list(0, 0..9, true), Duration::ZERO, JoinAt::Newest(2));
    assert_eq!(names(&joined), ["7.ts", "8.ts"]);
}

/// A list of parts of one file, which are all numbered from 0.
fn parts(content: std::ops::Range<u64>, dated: bool) -> MediaList {
    let mut list = list(0, content.clone(), dated);
    for (entry, content) in list.entries.iter_mut().zip(content) {
        entry.uri = Reference::new("all.ts".to_owned());
        entry.byte_range = Some(ByteRange { offset: 100 * content, length: 100 });
    }
    list
}

#[test]
fn parts_of_a_file_that_are_numbered_from_0_again_and_again_go_on() {
    for dated in [true, false] {
        let mut window = Window::default();
        let mut told = |content: std::ops::Range<u64>| {
            let mut list = parts(content, dated);
            window.renumber(&mut list);
            let update = feed(&mut window, &list);
            let numbers: Vec<u64> = update.fresh.iter().map(|entry| entry.sequence).collect();
            (numbers, update.reset || update.behind || update.fresh.iter().any(|entry| entry.discontinuity))
        };
        assert_eq!(told(0..2), (vec![0, 1], false));
        assert_eq!(told(0..4), (vec![2, 3], false));
        assert_eq!(told(1..5), (vec![4], false));
        assert_eq!(told(1..5), (vec![], false));
        assert_eq!(told(4..8), (vec![5, 6, 7], false));
        // Some left unseen, so it is not known how many.
        assert_eq!(told(20..24), (vec![0, 1, 2, 3], true));
        assert_eq!(told(22..26), (vec![4, 5], false));
    }
}

#[test]
fn a_reader_joins_after_what_it_had_under_another_number() {
    let mut window = Window::default();
    let join = JoinAt::After { sequence: 57, program_date_time: Some(day() + SignedDuration::from_secs(4)) };
    let update = window.update(&list(0, 1..5, true), Duration::ZERO, join);
    assert_eq!(names(&update), ["3.ts", "4.ts"]);
}

#[test]
fn a_clock_that_is_set_back_within_a_list_does_not_hide_that_it_is_new() {
    let mut window = Window::default();
    feed(&mut window, &list(90, 0..4, true));
    let mut anew = list(0, 4..8, true);
    for entry in &mut anew.entries[2..] {
        entry.program_date_time = entry.program_date_time.map(|date| date - SignedDuration::from_hours(1));
    }
    let update = feed(&mut window, &anew);
    assert!(update.reset);
    assert_eq!(names(&update), ["4.ts", "5.ts", "6.ts", "7.ts"]);
}

#[test]
fn what_left_unseen_is_told() {
    for dated in [true, false] {
        let mut window = Window::default();
        feed(&mut window, &list(0, 0..3, dated));
        let update = feed(&mut window, &list(5, 5..8, dated));
        let duration = MediaDuration::from_secs(4);
        assert_eq!(update.skipped, Some(Skipped { epoch: 0, from: 3, to: 4, duration }));
        assert_eq!(names(&update), ["5.ts", "6.ts", "7.ts"]);
    }
}

#[test]
fn an_older_list_is_passed_over() {
    for dated in [true, false] {
        let mut window = Window::default();
        feed(&mut window, &list(10, 10..20, dated));
        for _ in 0..20 {
            let update = feed(&mut window, &list(7, 7..17, dated));
            assert!(update.behind && update.fresh.is_empty() && !update.reset);
        }
        assert_eq!(names(&feed(&mut window, &list(11, 11..21, dated))), ["20.ts"]);
    }
}

#[test]
fn a_list_from_before_all_that_is_known_is_passed_over() {
    let mut window = Window::default();
    feed(&mut window, &list(100, 100..103, true));
    for start in 0..10 {
        assert!(feed(&mut window, &list(start, start..start + 3, true)).behind);
    }
    assert_eq!(names(&feed(&mut window, &list(101, 101..104, true))), ["103.ts"]);
}

#[test]
fn numbers_that_begin_anew_are_followed_at_once_where_times_tell() {
    let mut window = Window::default();
    feed(&mut window, &list(1000, 0..5, true));
    let update = feed(&mut window, &list(0, 5..6, true));
    assert!(update.reset && update.fresh[0].discontinuity);
    assert_eq!((window.epoch(), names(&update)), (1, vec!["5.ts".to_owned()]));
    assert_eq!(names(&feed(&mut window, &list(0, 5..8, true))), ["6.ts", "7.ts"]);
}

#[test]
fn numbers_that_begin_anew_inside_the_known_ones_are_told_by_their_times() {
    let mut window = Window::default();
    feed(&mut window, &list(0, 0..6, true));
    let update = feed(&mut window, &list(2, 40..44, true));
    assert!(update.reset);
    assert_eq!(names(&update).len(), 4);
}

#[test]
fn what_is_known_is_not_taken_again_under_new_numbers() {
    let mut window = Window::default();
    feed(&mut window, &list(1000, 0..5, true));
    let update = feed(&mut window, &list(0, 3..7, true));
    assert!(update.reset);
    assert_eq!(names(&update), ["5.ts", "6.ts"]);
}

#[test]
fn without_times_new_numbers_are_believed_when_they_go_on() {
    let mut window = Window::default();
    feed(&mut window, &list(1000, 0..5, false));
    assert!(feed(&mut window, &list(0, 50..53, false)).behind);
    assert!(feed(&mut window, &list(0, 50..53, false)).behind);
    assert!(feed(&mut window, &list(1, 51..54, false)).behind);
    let update = feed(&mut window, &list(2, 52..55, false));
    assert!(update.reset);
    assert_eq!(names(&update), ["52.ts", "53.ts", "54.ts"]);
}

#[test]
fn an_absurd_jump_is_another_numbering() {
    let mut window = Window::default();
    feed(&mut window, &list(0, 0..5, false));
    let update = feed(&mut window, &list(1_000_000, 5..8, false));
    assert!(update.reset && update.skipped.is_none());
    assert_eq!(window.epoch(), 1);
}

#[test]
fn a_segment_listed_twice_is_taken_once() {
    for dated in [true, false] {
        let mut window = Window::default();
        let mut twice = list(0, 0..4, dated);
        twice.entries[2] = Entry { sequence: 2, ..twice.entries[1].clone() };
        assert_eq!(names(&feed(&mut window, &twice)), ["0.ts", "1.ts", "3.ts"]);
    }
    let mut slates = list(0, 0..2, true);
    slates.entries[1].uri = slates.entries[0].uri.clone();
    slates.entries[1].discontinuity = true;
    assert_eq!(names(&feed(&mut Window::default(), &slates)).len(), 2);
}

#[test]
fn other_addresses_for_the_same_numbers_change_nothing() {
    let mut window = Window::default();
    feed(&mut window, &list(0, 0..5, true));
    let mut rotated = list(1, 1..6, true);
    for entry in &mut rotated.entries {
        entry.uri = Reference::new(format!("other/{}", entry.uri.expose()));
    }
    let update = feed(&mut window, &rotated);
    assert_eq!((names(&update), update.reset), (vec!["other/5.ts".to_owned()], false));
}

#[test]
fn a_discontinuity_that_left_unseen_marks_what_follows() {
    let mut window = Window::default();
    let mut first = list(0, 0..3, true);
    first.discontinuity_sequence = Some(4);
    feed(&mut window, &first);
    let mut later = list(6, 6..9, true);
    later.discontinuity_sequence = Some(5);
    assert!(feed(&mut window, &later).fresh[0].discontinuity);
}

proptest! {
    /// However an honest origin's list is seen (late, early, again, out of order), every segment that was ever seen ahead of
    /// the others is taken once and in order, and numbers and skips leave no hole.
    #[test]
    fn an_honest_list_is_followed_without_holes(
        steps in proptest::collection::vec((0_u64..4, 0_u64..5), 1..40), size in 1_u64..8, dated: bool,
    ) {
        let mut window = Window::default();
        let mut end = 20;
        let mut expected = None;
        for (ahead, back) in steps {
            end += ahead;
            let shown = end - back;
            let update = feed(&mut window, &list(shown - size, shown - size..shown, dated));
            prop_assert!(!update.reset || !dated);
            if update.reset {
                // Without times, a cache that lags for long and moves on cannot be told from new numbers.
                return Ok(());
            }
            if let Some(skipped) = update.skipped {
                prop_assert_eq!(Some(skipped.from), expected);
                expected = Some(skipped.to + 1);
            }
            for entry in &update.fresh {
                prop_assert!(expected.is_none_or(|expected| expected == entry.sequence));
                expected = Some(entry.sequence + 1);
            }
        }
    }
}
