//! What a recording holds, as a table: its sound through `media-io` (any container, nothing written to disk), its words from
//! a transcript file of the machine contract where one lies beside it.
//!
//! ```text
//! cargo run -p streamliner-examples --example detect_vod [-- RECORDING]
//! ```
//!
//! The words of `NAME.mp4` are in `NAME.transcript.json`. Without an argument it looks at the fixture VOD.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::path::PathBuf;

use highlight_detect::{Detector, Evidence, Lexicon, RankOptions, judge, rank};
use media_io::{AudioEvent, AudioRequest, Ffmpeg, FfmpegOptions, open_audio};
use timeline::{MediaTime, SampleRate, Span};

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(|| streamliner_examples::fixture("arena-night.mp4"), PathBuf::from);

    // Most files need no ffmpeg; for those that do, one is taken if there is one.
    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).ok();
    let rate = SampleRate::HZ_16000;
    let mut reader = open_audio(&path, &AudioRequest::new(rate), ffmpeg.as_ref())?;
    let mut detector = Detector::builder().sample_rate(rate).build()?;
    let (mut candidates, mut end) = (Vec::new(), MediaTime::ZERO);
    while let Some(event) = reader.next_event()? {
        match event {
            AudioEvent::Samples { at, samples } => {
                candidates.extend(detector.push(at, samples));
                end = at + timeline::MediaDuration::from_units(samples.len() as i64, rate.hertz());
            }
            AudioEvent::Gap(gap) => candidates.extend(detector.push_gap(gap)),
        }
    }
    candidates.extend(detector.finish());

    let words = streamliner_examples::read_words(&path.with_extension("transcript.json"))?;
    let lexicon = Lexicon::builtin();
    let evidence = Evidence { words: words.as_deref(), ..Evidence::none(&lexicon) };
    let options = RankOptions::default();
    let medium = Span::new(MediaTime::ZERO, end);
    let moments = candidates.iter().map(|candidate| judge(candidate, &evidence, medium, &options));
    let ranking = rank(moments.collect(), &options);

    println!("{:>5}  {:>9} {:>9}  {:>9}  {:<10}  what is said", "score", "from", "to", "peak", "because of");
    let rejected = ranking.rejected.iter().map(|rejected| (&rejected.moment, rejected.why.to_string()));
    let chosen = ranking.highlights.iter().map(|moment| (moment, moment.text()));
    for (moment, remark) in chosen.chain(rejected.map(|(moment, why)| (moment, format!("({why})")))) {
        let seconds = |time: MediaTime| format!("{:.2}", time.as_secs_f64());
        let best = moment.reasons.iter().max_by(|one, two| one.weight.total_cmp(&two.weight));
        println!(
            "{:>5.2}  {:>9} {:>9}  {:>9}  {:<10}  {}",
            moment.score,
            seconds(moment.clip.start()),
            seconds(moment.clip.end()),
            seconds(moment.peak),
            best.map_or_else(String::new, |reason| reason.signal.to_string()),
            remark,
        );
    }
    Ok(())
}
