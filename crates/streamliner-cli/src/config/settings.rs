//! The configuration as the rest of the program uses it.
//!
//! The fields mirror [`table`](super::table); a test reads every key into them, so neither can have one that the other lacks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use timeline::{MediaDuration, StreamerName};

/// Everything that can be configured, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) paths: Paths,
    pub(crate) detection: Detection,
    pub(crate) streamers: BTreeMap<StreamerName, Streamer>,
    pub(crate) transcription: Transcription,
    pub(crate) render: Render,
    pub(crate) vod: Vod,
    pub(crate) monitor: Monitor,
    pub(crate) publishing: Publishing,
    pub(crate) storage: Storage,
    pub(crate) notifications: Notifications,
    pub(crate) retention: Retention,
    #[serde(default)]
    pub(crate) tools: Tools,
    pub(crate) kick: Kick,
    pub(crate) tiktok: TikTok,
}

/// `[paths]`; all resolved against the file or the working directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paths {
    pub(crate) data_dir: PathBuf,
    pub(crate) models_dir: PathBuf,
    pub(crate) output_dir: PathBuf,
}

/// `[detection]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detection {
    pub(crate) max_clips: usize,
    pub(crate) min_score: f64,
    #[serde(rename = "clip_min_s", with = "seconds")]
    pub(crate) clip_min: MediaDuration,
    #[serde(rename = "clip_max_s", with = "seconds")]
    pub(crate) clip_max: MediaDuration,
    #[serde(rename = "setup_s", with = "seconds")]
    pub(crate) setup: MediaDuration,
    #[serde(rename = "settle_s", with = "seconds")]
    pub(crate) settle: MediaDuration,
    #[serde(rename = "min_gap_s", with = "seconds")]
    pub(crate) min_gap: MediaDuration,
    pub(crate) languages: Vec<String>,
    #[serde(default)]
    pub(crate) lexicon: Option<PathBuf>,
    pub(crate) keywords: BTreeMap<String, f32>,
    pub(crate) remove_keywords: Vec<String>,
}

/// `[streamers.NAME]`; `Config::for_streamer` lays it over the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Streamer {
    pub(crate) channel: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) watch: Option<bool>,
    pub(crate) quality: Option<Quality>,
    pub(crate) clips_per_hour: Option<u32>,
    pub(crate) clips_per_day: Option<u32>,
    pub(crate) cooldown_s: Option<u32>,
    pub(crate) chat: Option<bool>,
    pub(crate) keywords: BTreeMap<String, f32>,
    pub(crate) remove_keywords: Vec<String>,
    pub(crate) language: Option<String>,
    pub(crate) max_clips: Option<usize>,
    pub(crate) targets: Option<Vec<TargetName>>,
    pub(crate) description_template: Option<String>,
    pub(crate) hashtags: Vec<String>,
    pub(crate) account: Option<String>,
    pub(crate) style: Option<String>,
}

/// `[transcription]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transcription {
    pub(crate) enabled: bool,
    /// A name of the catalogue, or a path (`kind::is_model_path`).
    pub(crate) model: String,
    /// `auto`, or an ISO 639 code.
    pub(crate) language: String,
    /// 0 for one fewer than there are cores.
    pub(crate) threads: usize,
    pub(crate) gpu: bool,
    /// Zero for no limit.
    #[serde(rename = "budget_s", with = "seconds")]
    pub(crate) budget: MediaDuration,
    pub(crate) download_base: String,
}

/// `[render]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Render {
    pub(crate) style: String,
    pub(crate) layout: Layout,
    pub(crate) zoom: f64,
    pub(crate) offset_x: f64,
    pub(crate) offset_y: f64,
    pub(crate) fps: FramesPerSecond,
    pub(crate) encoder: EncoderName,
    pub(crate) preset: String,
    pub(crate) quality: u8,
    pub(crate) loudness_lufs: f64,
    pub(crate) captions: bool,
    /// None for the style's own.
    #[serde(default)]
    pub(crate) font_size: Option<u32>,
    /// `#RRGGBB`, none for the style's own.
    #[serde(default)]
    pub(crate) highlight_color: Option<String>,
    #[serde(default)]
    pub(crate) logo: Option<PathBuf>,
    pub(crate) logo_width: u32,
}

/// `render.layout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Layout {
    Auto,
    Blurred,
    Cover,
}

/// `render.fps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum FramesPerSecond {
    /// 30 or 60.
    Fixed(u32),
    /// As the source has it.
    Auto(Auto),
}

/// The word `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auto {
    Auto,
}

/// `render.encoder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncoderName {
    Auto,
    Libx264,
    Nvenc,
    Vaapi,
    VideoToolbox,
    Qsv,
}

/// `[vod]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vod {
    pub(crate) chat: bool,
    pub(crate) keep_unfinished_days: u32,
    pub(crate) resolver_command: Vec<String>,
}

/// `[monitor]`; zero is no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Monitor {
    #[serde(rename = "poll_interval_s", with = "seconds")]
    pub(crate) poll_interval: MediaDuration,
    pub(crate) quality: Quality,
    pub(crate) clips_per_hour: u32,
    pub(crate) clips_per_day: u32,
    pub(crate) cooldown_s: u32,
    pub(crate) chat: bool,
    pub(crate) keep_hours: u32,
    pub(crate) disk_budget_gb: f64,
    pub(crate) resolvers: Vec<Resolver>,
    pub(crate) resolver_command: Vec<String>,
    #[serde(default)]
    pub(crate) webhook_listen: Option<SocketAddr>,
}

/// `monitor.quality`: a height, or a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Quality {
    /// Lines of the picture.
    Height(u32),
    /// By rank.
    Rank(Rank),
}

/// A rendition by its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rank {
    Best,
    Lowest,
}

/// `monitor.resolvers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Resolver {
    Kick,
    Command,
}

/// `[publishing]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publishing {
    pub(crate) targets: Vec<TargetName>,
    pub(crate) auto: bool,
    /// None for one in `paths.output_dir`.
    #[serde(default)]
    pub(crate) folder: Option<PathBuf>,
    /// Zero for no limit.
    pub(crate) posts_per_day: u32,
    #[serde(rename = "spacing_s", with = "seconds")]
    pub(crate) spacing: MediaDuration,
    pub(crate) hours: Vec<String>,
    /// None for that of the system.
    #[serde(default)]
    pub(crate) time_zone: Option<String>,
    /// Zero for never.
    pub(crate) expire_hours: u32,
    pub(crate) description_template: String,
    pub(crate) hashtags: Vec<String>,
}

/// `publishing.targets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TargetName {
    TikTok,
    Folder,
}

/// `[storage]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storage {
    #[serde(rename = "type")]
    pub(crate) kind: StorageKind,
    #[serde(default)]
    pub(crate) bucket: Option<String>,
    #[serde(default)]
    pub(crate) region: Option<String>,
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) prefix: Option<String>,
    #[serde(default)]
    pub(crate) public_base: Option<String>,
}

/// `storage.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StorageKind {
    Local,
    S3,
    R2,
}

/// `[notifications]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notifications {
    pub(crate) events: Vec<NoticeName>,
}

/// `notifications.events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoticeName {
    StreamerLive,
    ClipReady,
    ClipPosted,
    ClipFailed,
}

/// `[retention]`; zero is no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) max_age_days: u32,
    pub(crate) max_size_gb: f64,
}

/// `[tools]`; none means that PATH is searched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tools {
    pub(crate) ffmpeg: Option<PathBuf>,
    pub(crate) ffprobe: Option<PathBuf>,
}

/// `[kick]`; addresses without a slash at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kick {
    pub(crate) api_base: String,
    pub(crate) auth_base: String,
    pub(crate) site_base: String,
    pub(crate) web_base: String,
    pub(crate) pusher_url: String,
}

/// `[tiktok]`; addresses without a slash at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TikTok {
    pub(crate) api_base: String,
    pub(crate) auth_base: String,
    pub(crate) environment: TikTokEnvironment,
    #[serde(default)]
    pub(crate) account: Option<String>,
    #[serde(default)]
    pub(crate) redirect_uri: Option<String>,
    pub(crate) mode: TikTokMode,
    /// By TikTok's name of it.
    #[serde(default)]
    pub(crate) privacy: Option<String>,
    pub(crate) allow_comments: bool,
    pub(crate) allow_duet: bool,
    pub(crate) allow_stitch: bool,
    pub(crate) is_aigc: bool,
    pub(crate) brand_content: bool,
    pub(crate) brand_organic: bool,
    pub(crate) chunk_size: u64,
    #[serde(default)]
    pub(crate) verified_base_url: Option<String>,
    pub(crate) sandbox_spam_backoff_seconds: u32,
    pub(crate) upload_cooldown_seconds: u32,
    pub(crate) status_wait_seconds: u32,
}

/// `tiktok.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TikTokMode {
    Inbox,
    Direct,
}

/// `tiktok.environment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TikTokEnvironment {
    Sandbox,
    Production,
}

/// Keys that end in `_s` are seconds in the file and media time inside.
mod seconds {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use timeline::MediaDuration;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(
        duration: &MediaDuration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MediaDuration, D::Error> {
        f64::deserialize(deserializer).map(MediaDuration::from_secs_f64)
    }
}
