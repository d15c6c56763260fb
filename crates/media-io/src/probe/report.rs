//! What ffprobe answers, and what of it we keep. Every field may be missing: it is data from outside.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use timeline::{FrameRate, MediaDuration, MediaTime};

use crate::{AudioStream, Colour, Error, MediaInfo, VideoStream};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    format: Format,
    streams: Vec<Stream>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Format {
    format_name: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: Option<u32>,
    codec_type: Option<String>,
    codec_name: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    color_range: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
    time_base: Option<String>,
    start_pts: Option<i64>,
    duration: Option<String>,
    disposition: HashMap<String, i64>,
    tags: HashMap<String, String>,
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

impl Report {
    /// Whether there is no stream of which even the codec is known.
    pub(super) fn is_incomplete(&self) -> bool {
        self.streams.iter().all(|stream| stream.codec_name.is_none())
    }

    pub(super) fn into_info(self, path: &Path) -> Result<MediaInfo, Error> {
        let not_media = |detail: &str| Error::NotMedia { path: path.to_owned(), detail: detail.to_owned() };
        let container = self.format.format_name.unwrap_or_default();
        if let Some(what) = other_than_media(&container) {
            return Err(not_media(what));
        }
        let seconds = |text: Option<&String>| text.and_then(|text| parse_seconds(text));
        let start = seconds(self.format.start_time.as_ref());
        let start = start.map_or(MediaTime::ZERO, |micros| MediaTime::from_units(micros, MICROS));
        let duration = seconds(self.format.duration.as_ref()).filter(|micros| *micros > 0);
        let duration = duration.map(|micros| MediaDuration::from_units(micros, MICROS));
        let of_type = |kind: &'static str| {
            let is_kind = move |stream: &&Stream| stream.codec_type.as_deref() == Some(kind);
            self.streams.iter().filter(is_kind)
        };
        let audio: Vec<_> = of_type("audio").filter_map(|stream| stream.to_audio(start)).collect();
        let pictures = of_type("video").filter(|stream| !stream.has_flag("attached_pic"));
        let video: Vec<_> = pictures.filter_map(|stream| stream.to_video(start)).collect();
        if audio.is_empty() && video.is_empty() {
            return Err(not_media("it holds neither sound nor moving pictures"));
        }
        Ok(MediaInfo { path: path.to_owned(), container, duration, start, audio, video })
    }
}

/// What ffmpeg opens without it being a medium.
fn other_than_media(container: &str) -> Option<&'static str> {
    let is = |wanted: &[&str]| container.split(',').any(|name| wanted.contains(&name));
    if is(&["tty", "bin", "xbin", "adf", "idf", "lrc", "srt", "ass", "webvtt"]) {
        Some("it is text")
    } else if is(&["hls", "dash", "concat", "ffconcat", "applehttp", "sdp"]) {
        Some("it is a playlist; give the media file itself")
    } else if is(&["image2"]) || container.ends_with("_pipe") {
        Some("it is a still picture")
    } else {
        None
    }
}

const MICROS: u32 = 1_000_000;

impl Stream {
    fn to_audio(&self, container_start: MediaTime) -> Option<AudioStream> {
        Some(AudioStream {
            index: self.index? as usize,
            codec: self.codec_name.clone().unwrap_or_else(|| "unknown".to_owned()),
            sample_rate: self.sample_rate.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0),
            channels: self.channels.unwrap_or(0),
            language: self.tags.get("language").filter(|language| *language != "und").cloned(),
            is_default: self.has_flag("default"),
            start: self.start(container_start),
            duration: self.duration(),
        })
    }

    fn to_video(&self, container_start: MediaTime) -> Option<VideoStream> {
        let size = |pixels: Option<u32>| pixels.filter(|pixels| *pixels > 0);
        let pair = |text: &Option<String>| text.as_deref().and_then(parse_pair);
        let rate = |text: &Option<String>| pair(text).and_then(|(above, below)| FrameRate::new(above, below));
        Some(VideoStream {
            index: self.index? as usize,
            codec: self.codec_name.clone().unwrap_or_else(|| "unknown".to_owned()),
            width: size(self.width)?,
            height: size(self.height)?,
            rotation: self.rotation(),
            sample_aspect_ratio: pair(&self.sample_aspect_ratio)
                .filter(|(across, down)| *across > 0 && *down > 0)
                .unwrap_or((1, 1)),
            average_rate: rate(&self.avg_frame_rate),
            real_rate: rate(&self.r_frame_rate),
            // Learnt from the packets, where need be.
            variable_frame_rate: false,
            key_frame_distance: None,
            pixel_format: self.pix_fmt.clone(),
            colour: Colour {
                primaries: known(&self.color_primaries),
                transfer: known(&self.color_transfer),
                matrix: known(&self.color_space),
                range: known(&self.color_range),
            },
            is_default: self.has_flag("default"),
            start: self.start(container_start),
        })
    }

    fn has_flag(&self, name: &str) -> bool {
        self.disposition.get(name).is_some_and(|flag| *flag != 0)
    }

    fn start(&self, container_start: MediaTime) -> MediaTime {
        let timebase = self.time_base.as_deref().and_then(parse_pair).filter(|(_, below)| *below > 0);
        let (Some(pts), Some((above, below))) = (self.start_pts, timebase) else { return MediaTime::ZERO };
        let raw = MediaTime::from_timebase(pts, above, below);
        let start = MediaTime::ZERO + (raw - container_start);
        // The container's start is told in microseconds, so the stream that makes it may seem to be a little off.
        if (start - MediaTime::ZERO).abs() <= MediaDuration::from_units(1, MICROS) {
            MediaTime::ZERO
        } else {
            start
        }
    }

    fn duration(&self) -> Option<MediaDuration> {
        let micros = self.duration.as_deref().and_then(parse_seconds)?;
        (micros > 0).then(|| MediaDuration::from_units(micros, MICROS))
    }

    /// The display matrix turns counter-clockwise; players speak of clockwise.
    fn rotation(&self) -> u16 {
        let turned = self.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0);
        let clockwise = if turned.is_finite() { (-turned).round().rem_euclid(360.0) } else { 0.0 };
        clockwise as u16
    }
}

fn known(name: &Option<String>) -> Option<String> {
    name.clone().filter(|name| !matches!(name.as_str(), "" | "unknown" | "reserved"))
}

/// Microseconds from `12.345678`, without the rounding of a float.
pub(super) fn parse_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !fraction.bytes().chain(whole.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{:0<6}", &fraction[..fraction.len().min(6)]).parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(i64::from(MICROS))?.checked_add(micros)?.checked_mul(sign)
}

/// `16:9` or `30000/1001`.
fn parse_pair(text: &str) -> Option<(u32, u32)> {
    let (left, right) = text.split_once(['/', ':'])?;
    Some((left.parse().ok()?, right.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn info(report: Value) -> Result<MediaInfo, Error> {
        serde_json::from_value::<Report>(report).expect("a report").into_info(Path::new("x.ts"))
    }

    #[test]
    fn streams_start_on_the_media_timeline() {
        let info = info(json!({
            "format": {"format_name": "mpegts", "start_time": "1.423222", "duration": "10.0"},
            "streams": [
                {"index": 0, "codec_type": "video", "width": 4, "height": 2, "time_base": "1/90000", "start_pts": 128_090},
                {"index": 1, "codec_type": "audio", "time_base": "1/90000", "start_pts": 218_090, "tags": {"language": "eng"}},
            ],
        }))
        .expect("media");
        assert_eq!(info.video[0].start, MediaTime::ZERO);
        assert!((info.audio[0].start - MediaTime::from_secs(1)).abs() < MediaDuration::from_units(2, MICROS));
        assert_eq!(info.audio[0].language.as_deref(), Some("eng"));
    }

    #[test]
    fn cover_art_is_not_video() {
        let error = info(json!({
            "format": {"format_name": "mp3"},
            "streams": [{"index": 0, "codec_type": "video", "width": 4, "height": 2, "disposition": {"attached_pic": 1}}],
        }))
        .expect_err("nothing to play");
        assert!(matches!(error, Error::NotMedia { .. }), "{error}");
    }

    #[test]
    fn a_counter_clockwise_matrix_is_a_clockwise_turn() {
        let info = info(json!({
            "streams": [{
                "index": 0, "codec_type": "video", "width": 1920, "height": 1080,
                "side_data_list": [{}, {"side_data_type": "Display Matrix", "rotation": -90}],
            }],
        }))
        .expect("media");
        assert_eq!(info.video[0].rotation, 90);
        assert_eq!(info.video[0].display_size(), (1080, 1920));
    }

    #[test]
    fn seconds_are_read_exactly() {
        assert_eq!(parse_seconds("95443.717689"), Some(95_443_717_689));
        assert_eq!(parse_seconds("-0.021"), Some(-21_000));
        for bad in ["N/A", "", ".", "1e5", "99999999999999999999", "1.é"] {
            assert_eq!(parse_seconds(bad), None, "{bad:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let key = prop::sample::select(vec![
            "format",
            "streams",
            "index",
            "codec_type",
            "width",
            "height",
            "time_base",
            "start_pts",
            "start_time",
            "duration",
            "disposition",
            "tags",
            "side_data_list",
            "rotation",
            "avg_frame_rate",
            "sample_aspect_ratio",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop::sample::select(vec!["video", "audio", "0/0", "1/90000", "-1.5", "30000/1001"])
                .prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_without_panic(value in any_json()) {
            if let Ok(report) = serde_json::from_value::<Report>(value) {
                let _ = report.into_info(Path::new("x"));
            }
        }

        #[test]
        fn any_stream_is_read_without_panic(
            width: u32, height: u32, pts: i64, start in "-?[0-9]{1,20}\\.[0-9]{1,9}", base in "[0-9]{1,9}/[0-9]{1,9}",
            rotation: f64, kind in "video|audio",
        ) {
            let read = info(json!({
                "format": {"start_time": start, "duration": start},
                "streams": [{
                    "index": 0, "codec_type": kind, "width": width, "height": height, "start_pts": pts, "time_base": base,
                    "avg_frame_rate": base, "sample_aspect_ratio": base, "side_data_list": [{"rotation": rotation}],
                }],
            }));
            if let Ok(info) = read {
                for stream in &info.video {
                    prop_assert!(stream.rotation < 360);
                    let _ = stream.display_size();
                }
            }
        }
    }
}
