//! What ffmpeg says under `-progress`.

use timeline::MediaDuration;

/// How far ffmpeg has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FfmpegProgress {
    /// How much has been written, counted from the start of the output; `None` before the first packet.
    pub out_time: Option<MediaDuration>,
    /// How many frames have been written; 0 without video.
    pub frame: u64,
    /// Media time written per wall time; `None` where ffmpeg does not know it yet.
    pub speed: Option<f64>,
    /// Whether it was the last report.
    pub finished: bool,
}

/// Collects the lines of one report after another.
#[derive(Debug, Default)]
pub(crate) struct ProgressParser {
    current: FfmpegProgress,
}

impl ProgressParser {
    /// Takes one `key=value` line; gives a report when one is complete. Other lines are ignored.
    pub(crate) fn push_line(&mut self, line: &str) -> Option<FfmpegProgress> {
        let (key, value) = line.split_once('=')?;
        let value = value.trim();
        match key.trim() {
            "frame" => self.current.frame = value.parse().unwrap_or(self.current.frame),
            // Microseconds. (`out_time_ms` is microseconds too, by an old mistake of ffmpeg's.)
            "out_time_us" => {
                let micros = value.parse::<i64>().ok().filter(|micros| *micros >= 0);
                self.current.out_time = micros.map(|micros| MediaDuration::from_units(micros, 1_000_000));
            }
            "speed" => {
                let speed = value.trim_end_matches('x').trim().parse::<f64>().ok();
                self.current.speed = speed.filter(|speed| speed.is_finite() && *speed >= 0.0);
            }
            "progress" => {
                self.current.finished = value == "end";
                return Some(self.current);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_report_is_complete_at_its_last_line() {
        let mut parser = ProgressParser::default();
        let lines = ["frame=31", "fps=0.0", "out_time_us=1033333", "speed=2.07x", "progress=continue"];
        let reports: Vec<_> = lines.iter().filter_map(|line| parser.push_line(line)).collect();
        let expected = FfmpegProgress {
            out_time: Some(MediaDuration::from_units(1_033_333, 1_000_000)),
            frame: 31,
            speed: Some(2.07),
            finished: false,
        };
        assert_eq!(reports, [expected]);
        assert!(parser.push_line("progress=end").expect("a report").finished);
    }

    #[test]
    fn what_is_not_known_yet_is_none() {
        let mut parser = ProgressParser::default();
        for line in ["out_time_us=N/A", "speed=N/A"] {
            assert_eq!(parser.push_line(line), None);
        }
        let report = parser.push_line("progress=continue").expect("a report");
        assert_eq!((report.out_time, report.speed), (None, None));
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(
            key in "(frame|out_time_us|speed|progress|\\PC{0,8})", value in "(-?[0-9]{0,25}(\\.[0-9]*)?x?|\\PC{0,20})",
        ) {
            let mut parser = ProgressParser::default();
            let _ = parser.push_line(&format!("{key}={value}"));
            let _ = parser.push_line(&value);
            let report = parser.push_line("progress=continue").expect("a report");
            prop_assert!(report.out_time.is_none_or(|time| time >= MediaDuration::ZERO));
        }
    }
}
