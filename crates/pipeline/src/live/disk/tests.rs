use std::sync::Arc;

use highlight_detect::{Candidate, RankOptions};
use media_io::hls::clock::Placement;
use media_io::hls::store::SegmentStore;
use media_io::hls::{Packing, Segment};
use media_io::{Ffmpeg, FfmpegOptions};
use timeline::{SourceId, Span};

use super::*;
use crate::RunSettings;
use crate::catalogue::{Catalogue, Run};
use crate::fingerprint::digest_of;
use crate::live::event::MonitorSink;
use crate::live::limits::ClipLimits;
use crate::settings::LexiconSettings;

#[test]
fn there_is_a_warning_before_the_end() {
    let budget = DiskBudget { bytes: Some(1_000), keep: None };
    assert_eq!(budget.room(899), Room::Enough);
    assert_eq!(budget.room(900), Room::Scarce);
    assert_eq!(budget.room(1_000), Room::Scarce);
    assert_eq!(budget.room(1_200), Room::Over(200));
    assert_eq!(DiskBudget::default().room(u64::MAX), Room::Enough);
}

#[test]
fn only_strangers_that_were_left_alone_are_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let session = |name: &str| {
        let path = folder.path().join("demo").join(name);
        fs_err::create_dir_all(path.join(SEGMENTS)).expect("it is made");
        fs_err::write(path.join(SEGMENTS).join("00000001.ts"), b"some").expect("it is written");
        path
    };
    let (known, stranger) = (session("known"), session("stranger"));
    let elsewhere = vec![PathBuf::from("moved/demo/known")];
    let now = Timestamp::now();
    remove_unknown(folder.path(), &elsewhere, now);
    assert!(stranger.exists(), "it is from today");
    let later = now.checked_add(SignedDuration::from_hours(25)).expect("a time");
    remove_unknown(folder.path(), &elsewhere, later);
    assert!(known.exists() && !stranger.exists());
}

#[test]
fn a_folder_holds_none_one_or_more_segments() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(held_segments(folder.path()), 0);
    fs_err::create_dir(folder.path().join(SEGMENTS)).expect("it is made");
    for (number, held) in [(1, 1), (2, 2), (3, 2)] {
        fs_err::write(folder.path().join(SEGMENTS).join(format!("{number:08}.ts")), b"some")
            .expect("written");
        assert_eq!(held_segments(folder.path()), held);
    }
}

/// A session of eight seconds that began three hours ago and has ended, and the workshop that knows it.
async fn ended_session(folder: &Path) -> (Workshop, SessionRow) {
    session_of(folder, 4).await
}

/// The same of so many segments of two seconds.
async fn session_of(folder: &Path, segments: u64) -> (Workshop, SessionRow) {
    let recording = folder.join("recordings/demo/one");
    let (mut store, _) = SegmentStore::open(&recording).expect("it is opened");
    for index in 0..segments {
        let segment = Segment {
            sequence: index,
            epoch: 0,
            duration: MediaDuration::from_secs(2),
            discontinuity: false,
            program_date_time: None,
            packing: Packing::Transport,
            init: None,
            bytes: vec![0; 100].into(),
        };
        let start = MediaTime::from_secs(2 * i64::try_from(index).expect("a small number"));
        let span = Span::new(start, start + MediaDuration::from_secs(2));
        store
            .append(&segment, &Placement { span, offset: MediaDuration::ZERO, group: 0 })
            .expect("it is stored");
    }
    let catalogue = Catalogue::open(&folder.join("database")).await.expect("it is opened");
    let began = Timestamp::now().checked_sub(SignedDuration::from_hours(3)).expect("a time");
    let run = Run {
        id: digest_of(&[&"a run"]),
        recording: SourceId(digest_of(&[&"a recording"])),
        path: recording.clone(),
        settings: RunSettings {
            streamer: "demo".parse().expect("a name"),
            title: String::new(),
            rank: RankOptions::default(),
            lexicon: LexiconSettings::default(),
            chat: None,
            sampled_chat: false,
            transcript: None,
            speech: None,
            no_speech_reason: None,
            render: render::RenderSettings::default(),
            rate: None,
            description_template: String::new(),
            category: String::new(),
            hashtags: Vec::new(),
        },
        output_dir: folder.join("out"),
        created_at: began,
    };
    catalogue
        .begin_session(&run, "one", &recording, began, &ClipLimits::default())
        .await
        .expect("it is begun");
    // Nothing was found in it, so it only has to be closed.
    let mut change = catalogue.change(run.id).await.expect("a change");
    change.end_session().await.expect("it is ended");
    change.commit().await.expect("it is committed");
    let row = catalogue.session(run.id).await.expect("it is read").expect("it is there");
    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).expect("ffmpeg");
    let events = MonitorSink::new(|_| {});
    let outlets = tokio::sync::watch::channel(crate::publishing::Outlets::default()).1;
    (Workshop::new(catalogue, ffmpeg, events, Arc::default(), folder.to_owned(), outlets), row)
}

async fn set_jobs(workshop: &Workshop, status: &str, attempts: i64, seconds_ago: i64) {
    sqlx::query(
        "UPDATE Jobs SET status = ?, attempts = ?, done_at = CAST(strftime('%s', 'now') AS INTEGER) - ?",
    )
    .bind(status)
    .bind(attempts)
    .bind(seconds_ago)
    .execute(workshop.catalogue.pool())
    .await
    .expect("it is changed");
}

#[tokio::test]
async fn of_a_session_that_is_closed_and_too_old_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (workshop, row) = ended_session(folder.path()).await;
    let recordings = folder.path().join("recordings");
    let budget = DiskBudget { bytes: None, keep: Some(SignedDuration::ZERO) };
    // A job that failed still counts as waiting, whatever stopped it.
    for status in ["Pending", "Failed", "Killed"] {
        set_jobs(&workshop, status, 1, 0).await;
        keep(&workshop, &budget, &recordings).await.expect("it is kept");
        assert_eq!(held_segments(&row.folder), 1, "{status}");
    }
    assert!(workshop.known(row.run).is_none(), "a session that is over is let go again");
    set_jobs(&workshop, "Done", 1, 0).await;
    let (_, bytes) = keep(&workshop, &budget, &recordings).await.expect("it is kept");
    assert_eq!((row.folder.exists(), bytes), (false, 0));
}

#[tokio::test]
async fn what_a_waiting_job_needs_stays_whatever_the_budget() {
    let folder = tempfile::tempdir().expect("a folder");
    let (workshop, row) = session_of(folder.path(), 150).await;
    let recordings = folder.path().join("recordings");
    let core = Span::from_secs_f64(150.0, 153.0);
    let candidate =
        Candidate { core, peak: core.start(), reasons: Vec::new(), dips: Vec::new(), gaps: Vec::new() };
    let all = Span::new(MediaTime::ZERO, MediaTime::MAX);
    let needed = evidence_span(&candidate, all, &RankOptions::default());
    let mut change = workshop.catalogue.change(row.run).await.expect("a change");
    assert!(change.add_candidate(&candidate).await.expect("it is added"));
    change.queue_live(Step::Moment { core_start: core.start() }).await.expect("it is queued");
    change.commit().await.expect("it is committed");

    let nothing = DiskBudget { bytes: Some(1), keep: Some(SignedDuration::ZERO) };
    // One that failed is tried again, and needs as much.
    for status in ["Pending", "Failed"] {
        set_jobs(&workshop, status, 1, 0).await;
        let (room, bytes) = keep(&workshop, &nothing, &recordings).await.expect("it is kept");
        assert!(matches!(room, Room::Over(_)), "{room:?} {bytes}");
        let store = open_store(&row.folder).await.expect("it is opened");
        assert_eq!(store.lock().contiguous(needed), Some(needed), "{status}");
        // And no more than that, but for its neighbours and the last of all.
        let segments = store.lock().segments().count();
        let most = needed.duration().to_std().as_secs() as usize / 2 + 5;
        assert!(segments <= most, "{segments} of at most {most}");
    }
    set_jobs(&workshop, "Done", 1, 0).await;
    keep(&workshop, &nothing, &recordings).await.expect("it is kept");
    assert!(held_segments(&row.folder) <= 1);
}

#[tokio::test]
async fn a_job_is_due_whatever_becomes_of_the_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    let (workshop, _) = ended_session(folder.path()).await;
    // By the clock of a machine that was set back to long ago.
    let due = sqlx::query("SELECT job FROM Jobs WHERE run_at <= 1000000")
        .fetch_all(workshop.catalogue.pool())
        .await
        .expect("it is read");
    assert_eq!(due.len(), 1);
}

#[tokio::test]
async fn over_budget_the_end_of_what_may_come_back_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (workshop, row) = ended_session(folder.path()).await;
    let recordings = folder.path().join("recordings");
    let all = used(&recordings);
    let enough = DiskBudget { bytes: Some(all), keep: None };
    assert_eq!(keep(&workshop, &enough, &recordings).await.expect("it is kept"), (Room::Scarce, all));
    let less = DiskBudget { bytes: Some(all - 1), keep: None };
    keep(&workshop, &less, &recordings).await.expect("it is kept");
    // The broadcast may come back: its end and its folder stay.
    assert_eq!(held_segments(&row.folder), 1);
    set_jobs(&workshop, "Done", 1, 0).await;
    keep(&workshop, &DiskBudget { bytes: Some(1), keep: None }, &recordings).await.expect("it is kept");
    assert!(row.folder.exists());
}

#[tokio::test]
async fn a_job_that_failed_is_taken_up_again_after_a_growing_pause() {
    use std::time::Duration;
    let folder = tempfile::tempdir().expect("a folder");
    let (workshop, _) = ended_session(folder.path()).await;
    let (pause, longest) = (Duration::from_secs(60), Duration::from_secs(3_600));
    let cases = [
        ("Failed", 1, 30, 0),
        ("Failed", 1, 70, 1),
        ("Killed", 3, 200, 0),
        ("Killed", 3, 250, 1),
        ("Failed", 500, 3_500, 0),
        ("Failed", 500, 3_700, 1),
        ("Running", 1, 9_000, 0),
        ("Done", 1, 9_000, 0),
    ];
    for (status, attempts, seconds_ago, expected) in cases {
        set_jobs(&workshop, status, attempts, seconds_ago).await;
        let revived = workshop.catalogue.revive_jobs(pause, longest).await.expect("it is changed");
        assert_eq!(revived, expected, "{status} {attempts} {seconds_ago}");
    }
}
