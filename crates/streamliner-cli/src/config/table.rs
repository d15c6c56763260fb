//! Every key that there is.

use super::kind::Kind;

/// A key of the configuration.
#[derive(Debug, PartialEq)]
pub(crate) struct Key {
    /// The `[section]` it stands in.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// What it accepts.
    pub(crate) kind: Kind,
    /// What holds when nobody sets it.
    pub(crate) default: Fallback,
    /// What it does, in one or two sentences.
    pub(crate) about: &'static str,
}

/// What holds when nobody sets a key.
#[derive(Debug, PartialEq)]
pub(crate) enum Fallback {
    /// This value, in TOML.
    Value(&'static str),
    /// Nothing; the words say what that means, the TOML is an example.
    Unset {
        /// What happens then.
        meaning: &'static str,
        /// A value somebody might set, in TOML.
        example: &'static str,
    },
    /// The folder for data of this user, which differs between systems.
    UserData {
        /// How it looks on Linux, in TOML.
        example: &'static str,
    },
    /// A folder inside `paths.data_dir`.
    InDataDir {
        /// Its name.
        folder: &'static str,
        /// How it looks on Linux, in TOML.
        example: &'static str,
    },
}

/// A section of the file.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its keys are about.
    pub(crate) about: &'static str,
}

/// The section that holds a table for each streamer.
pub(crate) const STREAMERS: &str = "streamers";

/// The sections, in the order of the file.
pub(crate) const SECTIONS: &[Section] = &[
    Section { name: "paths", about: "Where things are kept." },
    Section { name: "detection", about: "Which moments are worth a clip, and how long a clip is." },
    Section {
        name: STREAMERS,
        about: "What differs for one streamer: [streamers.NAME], for any number of names.",
    },
    Section { name: "transcription", about: "Speech to text, for the scores and the captions." },
    Section { name: "render", about: "How the vertical clips look and sound." },
    Section { name: "vod", about: "Finished broadcasts by their address." },
    Section {
        name: "monitor",
        about: "Watching live streams: how often, in which quality, how many clips, how much disk.",
    },
    Section {
        name: "publishing",
        about: "Where finished clips go by themselves, when, and the text that goes with them.",
    },
    Section {
        name: "storage",
        about: "A bucket that finished clips are stored in besides the output folder. Its keys are secrets: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    },
    Section {
        name: "notifications",
        about: "What is told elsewhere. Where is a secret: NOTIFY_WEBHOOK_URL (with NOTIFY_WEBHOOK_SECRET, it is signed) and DISCORD_WEBHOOK_URL.",
    },
    Section { name: "retention", about: "When finished clips are removed again." },
    Section { name: "tools", about: "The programs that are used." },
    Section { name: "kick", about: "The addresses of Kick; change them only to use a stand-in." },
    Section {
        name: "tiktok",
        about: "How clips are posted on TikTok. Change the addresses only to use a stand-in.",
    },
];

const WEB: Kind = Kind::Address(&["https", "http"]);
const SOCKET: Kind = Kind::Address(&["wss", "ws"]);
/// The lexicon takes the same range.
const WEIGHTS: Kind = Kind::Weights { min: -5.0, max: 5.0 };
const STYLES: Kind = Kind::Choice(&["bold", "clean", "boxed"]);
const QUALITIES: Kind = Kind::Choice(&["best", "1080", "720", "480", "360", "160", "lowest"]);
const LIMIT: Kind = Kind::Integer { min: 0, max: 10_000 };
const TARGETS: Kind = Kind::Choices(&["tiktok", "folder"]);
const NOTICES: Kind = Kind::Choices(&["streamer_live", "clip_ready", "clip_posted", "clip_failed"]);
/// TikTok's own names.
const PRIVACIES: Kind =
    Kind::Choice(&["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"]);
/// More clips than this from one recording are no selection any more.
const CLIPS: Kind = Kind::Integer { min: 1, max: 100 };

const fn key(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    default: Fallback,
    about: &'static str,
) -> Key {
    Key { section, name, kind, default, about }
}

const fn value(toml: &'static str) -> Fallback {
    Fallback::Value(toml)
}

const fn unset(meaning: &'static str, example: &'static str) -> Fallback {
    Fallback::Unset { meaning, example }
}

/// The keys, in the order of the file.
#[rustfmt::skip]
pub(crate) const KEYS: &[Key] = &[
    key("paths", "data_dir", Kind::Path, Fallback::UserData { example: "\"~/.local/share/streamliner\"" },
        "The database and everything that can be made again."),
    key("paths", "models_dir", Kind::Path, Fallback::InDataDir { folder: "models", example: "\"~/.local/share/streamliner/models\"" },
        "Downloaded speech models."),
    key("paths", "output_dir", Kind::Path, value("\"streamliner-output\""),
        "Clips and reports; a relative default is meant from the working directory."),

    key("detection", "max_clips", CLIPS, value("5"), "How many clips to make of one recording, the best first."),
    key("detection", "min_score", Kind::Number { min: 0.0, max: 1.0 }, value("0.5"), "The score below which a moment is left out."),
    key("detection", "clip_min_s", Kind::Number { min: 1.0, max: 600.0 }, value("15.0"), "The shortest clip, in seconds."),
    key("detection", "clip_max_s", Kind::Number { min: 1.0, max: 600.0 }, value("60.0"), "The longest clip, in seconds."),
    key("detection", "setup_s", Kind::Number { min: 0.0, max: 120.0 }, value("8.0"), "How much of what led to a reaction a clip shows, in seconds."),
    key("detection", "settle_s", Kind::Number { min: 0.0, max: 120.0 }, value("3.0"), "How much a clip shows after a reaction, in seconds."),
    key("detection", "min_gap_s", Kind::Number { min: 0.0, max: 3600.0 }, value("10.0"), "The least time between two moments, in seconds."),
    key("detection", "languages", Kind::Languages, value("[]"), "The languages whose keywords count; empty means all."),
    key("detection", "lexicon", Kind::Path, unset("the built-in lexicon", "\"my-lexicon.toml\""), "A keyword lexicon of your own, in place of the built-in one."),
    key("detection", "keywords", WEIGHTS, value("{}"), "Phrases to add, or to weigh differently; a negative weight counts against a moment."),
    key("detection", "remove_keywords", Kind::Phrases, value("[]"), "Phrases of the lexicon that do not count."),

    key("transcription", "enabled", Kind::Switch, value("true"), "Whether speech is recognised; without it there are no captions and no keywords."),
    key("transcription", "model", Kind::Model, value("\"base\""), "The speech model: a name of `streamliner model list`, or a path."),
    key("transcription", "language", Kind::Language { auto: true }, value("\"auto\""), "The language that is spoken."),
    key("transcription", "threads", Kind::Integer { min: 0, max: 256 }, value("0"), "Threads for recognition; 0 means one fewer than there are cores."),
    key("transcription", "gpu", Kind::Switch, value("true"), "Whether a graphics card is used, where the program was built for one."),
    key("transcription", "budget_s", Kind::Number { min: 0.0, max: 604_800.0 }, value("0.0"), "At most this much sound of one recording is transcribed, in seconds; 0 means no limit."),
    key("transcription", "download_base", WEB, value("\"https://huggingface.co/ggerganov/whisper.cpp/resolve/main\""), "Where models are downloaded from."),

    key("render", "style", STYLES, value("\"bold\""), "The style of the captions."),
    key("render", "layout", Kind::Choice(&["auto", "blurred", "cover"]), value("\"auto\""), "How a picture of another shape is fitted: over a blurred copy of itself, or filling the frame."),
    key("render", "zoom", Kind::Number { min: 1.0, max: 4.0 }, value("1.0"), "The size of the picture; 1 fits the width, more crops the sides."),
    key("render", "offset_x", Kind::Number { min: -1.0, max: 1.0 }, value("0.0"), "Where the picture stands: -1 left, 1 right."),
    key("render", "offset_y", Kind::Number { min: -1.0, max: 1.0 }, value("0.0"), "Where the picture stands: -1 top, 1 bottom."),
    key("render", "fps", Kind::Choice(&["auto", "30", "60"]), value("\"auto\""), "Frames a second; \"auto\" follows the source."),
    key("render", "encoder", Kind::Choice(&["auto", "libx264", "nvenc", "vaapi", "videotoolbox", "qsv"]), value("\"auto\""), "The H.264 encoder; \"auto\" takes the first that works, a hardware encoder before libx264."),
    key("render", "preset", Kind::Choice(&["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]), value("\"fast\""), "Speed against size, for libx264."),
    key("render", "quality", Kind::Integer { min: 10, max: 40 }, value("21"), "Constant quality (CRF); less is better and bigger."),
    key("render", "loudness_lufs", Kind::Number { min: -30.0, max: -8.0 }, value("-14.0"), "The integrated loudness of a clip, in LUFS."),
    key("render", "captions", Kind::Switch, value("true"), "Whether the words are burned in."),
    key("render", "font_size", Kind::Integer { min: 24, max: 240 }, unset("as the style has it", "84"), "The size of the captions, in pixels of a frame 1920 high."),
    key("render", "highlight_color", Kind::Color, unset("as the style has it", "\"#FFD400\""), "The colour of the word that is being spoken."),
    key("render", "logo", Kind::Path, unset("no logo", "\"logo.png\""), "A PNG to lay over the clips. TikTok refuses apps that add logos to what they post."),
    key("render", "logo_width", Kind::Integer { min: 16, max: 1080 }, value("160"), "The width of the logo, in pixels of a frame 1080 wide."),

    key("vod", "chat", Kind::Switch, value("true"), "Whether the chat of a video on Kick is asked for around its moments, as a signal for the scores."),
    key("vod", "keep_unfinished_days", Kind::Integer { min: 0, max: 3650 }, value("7"), "How long what was fetched is kept for a run that did not finish, in days; 0 keeps it."),
    key("vod", "resolver_command", Kind::Phrases, value("[]"), "A program that prints the address of a page's video, with its arguments, such as [\"yt-dlp\", \"-g\", \"-f\", \"b\", \"{url}\"]; {url} stands for the page. Empty means none."),

    key("monitor", "poll_interval_s", Kind::Number { min: 1.0, max: 3600.0 }, value("45.0"), "How often it is looked who is live, in seconds; one request for each 50 streamers."),
    key("monitor", "quality", QUALITIES, value("\"best\""), "Which rendition of a stream is recorded; a height that is not there gives the next lower one."),
    key("monitor", "clips_per_hour", LIMIT, value("6"), "At most this many clips of one streamer in any hour; 0 means no limit."),
    key("monitor", "clips_per_day", LIMIT, value("30"), "At most this many clips of one streamer in any 24 hours; 0 means no limit."),
    key("monitor", "cooldown_s", Kind::Integer { min: 0, max: 86_400 }, value("0"), "The least time between two clips of one streamer, in seconds."),
    key("monitor", "chat", Kind::Switch, value("true"), "Whether chat is read where there is one; it is a signal for the scores and kept beside the recording."),
    key("monitor", "keep_hours", Kind::Integer { min: 0, max: 87_600 }, value("48"), "How long recordings are kept, in hours; 0 keeps them while there is room."),
    key("monitor", "disk_budget_gb", Kind::Number { min: 0.0, max: 1_000_000.0 }, value("50.0"), "What recordings may take together, in GB; beyond that the oldest go. 0 means no limit."),
    key("monitor", "resolvers", Kind::Choices(&["kick", "command"]), value("[\"kick\", \"command\"]"), "Who is asked where a stream's playlist is, in this order."),
    key("monitor", "resolver_command", Kind::Phrases, value("[]"), "A program that prints the address of a playlist, with its arguments; {slug} stands for the channel. Empty means none."),
    key("monitor", "webhook_listen", Kind::Socket, unset("no webhooks", "\"127.0.0.1:8787\""), "Where Kick's webhooks are received, behind a proxy of your own that has a certificate."),

    key("publishing", "targets", TARGETS, value("[]"), "Where finished clips go by themselves. Empty means that they are only made."),
    key("publishing", "auto", Kind::Switch, value("true"), "Whether clips go out without asking; if not, each waits for `streamliner queue resume`."),
    key("publishing", "folder", Kind::Path, unset("`published` in paths.output_dir", "\"/srv/outbox\""), "The folder of the target `folder`: each clip is copied there, with its text beside it."),
    key("publishing", "posts_per_day", Kind::Integer { min: 0, max: 1000 }, value("15"), "At most this many posts to one account in any 24 hours; 0 means no limit. TikTok itself takes about 15 from all apps together. The folder has no limits."),
    key("publishing", "spacing_s", Kind::Number { min: 0.0, max: 604_800.0 }, value("0.0"), "The least time between two posts to one account, in seconds."),
    key("publishing", "hours", Kind::Hours, value("[]"), "Posts go out at these hours only, such as [\"18:00-23:30\"]; empty means at any time."),
    key("publishing", "time_zone", Kind::TimeZone, unset("that of the system", "\"Europe/Berlin\""), "The time zone of `hours`."),
    key("publishing", "expire_hours", Kind::Integer { min: 0, max: 8760 }, value("72"), "A clip that could not be posted for this long is not posted any more; 0 means never too late."),
    key("publishing", "description_template", Kind::Template, value("\"{{ streamer }}: {{ title }} #{{ streamer }} {{ hashtags }}\""), "The text that goes with a clip. It may use streamer, title, category, text, words, hashtags, score, rank and start."),
    key("publishing", "hashtags", Kind::Hashtags, value("[\"clips\"]"), "The hashtags of the text, without their sign."),

    key("storage", "type", Kind::Choice(&["local", "s3", "r2"]), value("\"local\""), "`local` keeps clips in the output folder alone; `s3` (S3, MinIO and others) and `r2` store them in a bucket too. STORAGE_TYPE sets it as well."),
    key("storage", "bucket", Kind::Text, unset("AWS_S3_BUCKET_NAME", "\"clips\""), "The bucket; it must be there."),
    key("storage", "region", Kind::Text, unset("AWS_S3_REGION", "\"eu-central-1\""), "The region of the bucket. A service with an endpoint needs none."),
    key("storage", "endpoint", WEB, unset("AWS_S3_ENDPOINT_URL, or else AWS itself", "\"https://s3.example.org\""), "The address of the service."),
    key("storage", "prefix", Kind::Text, unset("none", "\"streamliner\""), "What all keys in the bucket begin with. The streamer's name and the day follow."),
    key("storage", "public_base", WEB, unset("clips have no address of their own", "\"https://clips.example.org\""), "Where everybody can read the bucket: reports and notifications link there."),

    key("notifications", "events", NOTICES, value("[\"streamer_live\", \"clip_ready\", \"clip_posted\", \"clip_failed\"]"), "What is told."),

    key("retention", "max_age_days", Kind::Integer { min: 0, max: 36_500 }, value("0"), "Clips older than this many days are removed; 0 keeps them."),
    key("retention", "max_size_gb", Kind::Number { min: 0.0, max: 1_000_000.0 }, value("0.0"), "The oldest clips are removed when all together are bigger than this, in GB; 0 means no limit."),

    key("tools", "ffmpeg", Kind::Program, unset("`ffmpeg` in PATH", "\"/opt/ffmpeg/bin/ffmpeg\""), "The ffmpeg to use, 5.1 or newer."),
    key("tools", "ffprobe", Kind::Program, unset("`ffprobe` in PATH", "\"/opt/ffmpeg/bin/ffprobe\""), "The ffprobe to use, of the same version."),

    key("kick", "api_base", WEB, value("\"https://api.kick.com\""), "The official interface."),
    key("kick", "auth_base", WEB, value("\"https://id.kick.com\""), "Where tokens come from."),
    key("kick", "site_base", WEB, value("\"https://kick.com\""), "The web site."),
    key("kick", "web_base", WEB, value("\"https://web.kick.com\""), "The interface of the web site."),
    key("kick", "pusher_url", SOCKET, value("\"wss://ws-us2.pusher.com/app/32cbd69e4b950bf97679\""), "The socket of the chat."),

    key("tiktok", "api_base", WEB, value("\"https://open.tiktokapis.com\""), "The interface for uploads and tokens."),
    key("tiktok", "auth_base", WEB, value("\"https://www.tiktok.com\""), "Where a user agrees."),
    key("tiktok", "environment", Kind::Choice(&["sandbox", "production"]), value("\"sandbox\""), "Which of the two sets of app credentials is in use. TIKTOK_ENVIRONMENT sets it too."),
    key("tiktok", "account", Kind::Text, unset("the only one that is logged in", "\"yourname\""), "Which account is posted to: the name given at `tiktok-login`, its name on TikTok, or its open id."),
    key("tiktok", "redirect_uri", Kind::ExactAddress(&["https", "http"]), unset("this machine, at any free port", "\"https://example.org/callback/\""), "Where TikTok sends the browser after a login, as registered for the app. With an address that is not of this machine, the login asks you to paste what the browser shows."),
    key("tiktok", "mode", Kind::Choice(&["inbox", "direct"]), value("\"inbox\""), "`inbox` delivers drafts, which a person finishes in the app; `direct` posts, which needs the scope video.publish and a privacy."),
    key("tiktok", "privacy", PRIVACIES, unset("none, and nothing is posted directly", "\"SELF_ONLY\""), "Who sees what is posted directly. Apps that TikTok has not audited may post to private accounts only."),
    key("tiktok", "allow_comments", Kind::Switch, value("false"), "Whether direct posts may be commented on."),
    key("tiktok", "allow_duet", Kind::Switch, value("false"), "Whether direct posts may be used in duets."),
    key("tiktok", "allow_stitch", Kind::Switch, value("false"), "Whether direct posts may be stitched."),
    key("tiktok", "is_aigc", Kind::Switch, value("false"), "Whether direct posts are marked as made by AI."),
    key("tiktok", "brand_content", Kind::Switch, value("false"), "Whether direct posts are marked as paid partnership; not with SELF_ONLY."),
    key("tiktok", "brand_organic", Kind::Switch, value("false"), "Whether direct posts are marked as promoting your own business."),
    key("tiktok", "chunk_size", Kind::Integer { min: 5_242_880, max: 64_000_000 }, value("10000000"), "The size of the pieces in which large files are sent, in bytes."),
    key("tiktok", "verified_base_url", WEB, unset("files are sent from here", "\"https://clips.example.org\""), "An address that you verified in TikTok's portal and under which your clips can be fetched by their file names, for --strategy PULL_FROM_URL."),
    key("tiktok", "sandbox_spam_backoff_seconds", Kind::Integer { min: 1, max: 21_600 }, value("1800"), "How long nothing is uploaded after TikTok said that too many drafts wait in the inbox, in seconds; doubled each time it says so again."),
    key("tiktok", "upload_cooldown_seconds", Kind::Integer { min: 0, max: 86_400 }, value("0"), "The least time between two uploads to one account, in seconds."),
    key("tiktok", "status_wait_seconds", Kind::Integer { min: 0, max: 3600 }, value("30"), "How long an upload waits until TikTok has processed it, in seconds; then it is asked about later."),
];

/// The keys of `[streamers.NAME]`. All are unset by default. Those of the section `streamers` are of one streamer alone; each
/// other changes a key of the table above.
#[rustfmt::skip]
pub(crate) const STREAMER_KEYS: &[Key] = &[
    key(STREAMERS, "channel", Kind::Slug, unset("the name itself", "\"some-channel\""), "The channel on Kick: the last part of its page's address."),
    key(STREAMERS, "url", WEB, unset("the channel on Kick is watched", "\"https://example.org/live/index.m3u8\""), "A playlist to watch in place of a channel on Kick."),
    key(STREAMERS, "watch", Kind::Switch, unset("watched", "false"), "Whether `monitor` watches this streamer."),
    key("monitor", "quality", QUALITIES, unset("as in [monitor]", "720"), "Which rendition is recorded."),
    key("monitor", "clips_per_hour", LIMIT, unset("as in [monitor]", "3"), "At most this many clips in any hour."),
    key("monitor", "clips_per_day", LIMIT, unset("as in [monitor]", "10"), "At most this many clips in any 24 hours."),
    key("monitor", "cooldown_s", Kind::Integer { min: 0, max: 86_400 }, unset("as in [monitor]", "300"), "The least time between two clips, in seconds."),
    key("monitor", "chat", Kind::Switch, unset("as in [monitor]", "false"), "Whether chat is read."),
    key("detection", "keywords", WEIGHTS, unset("nothing is added", "{ \"that is mental\" = 2.0 }"), "Phrases to add to those of [detection], or to weigh differently."),
    key("detection", "remove_keywords", Kind::Phrases, unset("nothing is removed", "[\"gg\"]"), "Phrases to remove besides those of [detection]."),
    key("transcription", "language", Kind::Language { auto: true }, unset("as in [transcription]", "\"es\""), "The language that is spoken."),
    key("detection", "max_clips", CLIPS, unset("as in [detection]", "3"), "How many clips to make of one recording."),
    key("publishing", "targets", TARGETS, unset("as in [publishing]", "[\"folder\"]"), "Where finished clips go by themselves, in place of those of [publishing]."),
    key("publishing", "description_template", Kind::Template, unset("as in [publishing]", "\"{{ title }} {{ hashtags }}\""), "The text that goes with a clip."),
    key("publishing", "hashtags", Kind::Hashtags, unset("none more", "[\"speedrun\"]"), "Hashtags besides those of [publishing]."),
    key("tiktok", "account", Kind::Text, unset("as in [tiktok]", "\"yourname\""), "Which account on TikTok is posted to."),
    key("render", "style", STYLES, unset("as in [render]", "\"clean\""), "The style of the captions."),
];

/// Environment variables of the original program that set a key, with the key's dotted name.
pub(crate) const LEGACY_VARIABLES: &[(&str, &str)] =
    &[("STORAGE_TYPE", "storage.type"), ("TIKTOK_ENVIRONMENT", "tiktok.environment")];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Fallback, KEYS, SECTIONS, STREAMER_KEYS, STREAMERS};

    #[test]
    fn every_default_and_every_example_is_accepted_by_its_own_key() {
        for key in KEYS.iter().chain(STREAMER_KEYS) {
            let (Fallback::Value(toml)
            | Fallback::Unset { example: toml, .. }
            | Fallback::UserData { example: toml }
            | Fallback::InDataDir { example: toml, .. }) = key.default;
            let table: toml::Table = toml::from_str(&format!("value = {toml}")).unwrap();
            let checked = key.kind.check(&table["value"]);
            assert_eq!(checked.as_ref(), Ok(&table["value"]), "{}.{}", key.section, key.name);
        }
    }

    #[test]
    fn keys_are_told_apart_and_stand_in_known_sections() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert((key.section, key.name)), "{} twice", key.name);
            assert!(key.section != STREAMERS && SECTIONS.iter().any(|section| section.name == key.section));
            assert!(key.about.ends_with('.'), "{}", key.name);
        }
        for key in STREAMER_KEYS {
            let own = key.section == STREAMERS;
            assert!(own || seen.contains(&(key.section, key.name)), "{} overrides nothing", key.name);
        }
    }
}
