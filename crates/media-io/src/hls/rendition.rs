//! Which rendition of a stream is taken.

use std::cmp::Reverse;
use std::str::FromStr;

use super::playlist::{Master, Reference, Variant};

/// By what rule a rendition is chosen. Of those that the rule leaves, the one with more pixels, then more bits per second,
/// then more frames is better; the order in the playlist means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RenditionRule {
    /// The best there is.
    #[default]
    Best,
    /// The least there is that has a picture.
    Lowest,
    /// The best with that many lines; if there is none, the next below; if there is none either, the next above.
    Height(u32),
    /// Sound alone where it is offered, else as [`RenditionRule::Lowest`].
    AudioOnly,
}

impl FromStr for RenditionRule {
    type Err = UnknownRule;

    /// Reads `best`, `lowest`, `audio`, or a height such as `720` or `720p`.
    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        match text.trim().to_ascii_lowercase().as_str() {
            "best" => Ok(Self::Best),
            "lowest" => Ok(Self::Lowest),
            "audio" => Ok(Self::AudioOnly),
            other => {
                let height: Result<u32, _> = other.trim_end_matches('p').parse();
                height.ok().filter(|height| *height > 0).map(Self::Height).ok_or(UnknownRule)
            }
        }
    }
}

/// A text that names no rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such quality: use best, lowest, audio, or a height such as 720p")]
pub struct UnknownRule;

/// The rendition that was chosen, as far as the playlist tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendition {
    /// Width and height of the picture in pixels.
    pub size: Option<(u32, u32)>,
    /// Peak bits per second; 0 if not told.
    pub bandwidth: u64,
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// Its codecs (RFC 6381).
    pub codecs: Option<String>,
    /// Whether it has sound but no picture.
    pub audio_only: bool,
    /// Whether its sound is in a list of its own, so that it has a picture but no sound; [`RenditionRule::AudioOnly`]
    /// finds that list.
    pub silent: bool,
}

/// Chooses by `rule`; none if there is nothing to choose from.
#[must_use]
pub fn choose(master: &Master, rule: RenditionRule) -> Option<(Reference, Rendition)> {
    if rule == RenditionRule::AudioOnly
        && let Some(found) = audio_only(master)
    {
        return Some(found);
    }
    let pictures: Vec<&Variant> = master.variants.iter().filter(|variant| !is_audio(variant)).collect();
    let variants = if pictures.is_empty() { master.variants.iter().collect() } else { pictures };
    let chosen = match rule {
        RenditionRule::Best => variants.iter().max_by_key(|variant| rank(variant)),
        RenditionRule::Lowest | RenditionRule::AudioOnly => {
            variants.iter().min_by_key(|variant| rank(variant))
        }
        RenditionRule::Height(wanted) => {
            let below = variants
                .iter()
                .filter(|variant| height(variant) <= wanted)
                .map(|variant| height(variant))
                .max();
            let target = below.or_else(|| variants.iter().map(|variant| height(variant)).min())?;
            variants.iter().filter(|variant| height(variant) == target).max_by_key(|variant| rank(variant))
        }
    }?;
    Some((chosen.uri.clone(), describe(master, chosen)))
}

/// The sound that is listed apart, or else the leanest rendition without a picture. Of sounds apart it is the one that is
/// played with the best picture when nobody chooses, so that what is listened to is what a clip sounds like.
fn audio_only(master: &Master) -> Option<(Reference, Rendition)> {
    let best =
        master.variants.iter().filter(|variant| !is_audio(variant)).max_by_key(|variant| rank(variant));
    let group = best.and_then(|variant| variant.audio_group.as_ref());
    // Where the sound is in the pictures' own segments, what is listed beside it is another language or a comment.
    let tracks = master.audio.iter().filter(|track| track.uri.is_some() && is_apart(master, &track.group));
    let chosen = tracks.min_by_key(|track| (group != Some(&track.group), Reverse(track.default)));
    if let Some(uri) = chosen.and_then(|track| track.uri.clone()) {
        return Some((uri, Rendition { audio_only: true, ..Rendition::default() }));
    }
    let variant =
        master.variants.iter().filter(|variant| is_audio(variant)).min_by_key(|variant| rank(variant))?;
    Some((variant.uri.clone(), describe(master, variant)))
}

/// Whether all sound of a group is in lists of its own.
fn is_apart(master: &Master, group: &str) -> bool {
    let mut tracks = master.audio.iter().filter(|track| track.group == group).peekable();
    tracks.peek().is_some() && tracks.all(|track| track.uri.is_some())
}

fn describe(master: &Master, variant: &Variant) -> Rendition {
    let audio_only = is_audio(variant);
    Rendition {
        size: variant.size,
        bandwidth: variant.bandwidth,
        frame_rate: variant.frame_rate,
        codecs: variant.codecs.clone(),
        audio_only,
        silent: !audio_only && variant.audio_group.as_ref().is_some_and(|group| is_apart(master, group)),
    }
}

fn height(variant: &Variant) -> u32 {
    variant.size.map_or(0, |(_, height)| height)
}

/// Better is greater. Frame rates are compared in thousandths.
fn rank(variant: &Variant) -> (u32, u64, u64) {
    let frames = variant.frame_rate.map_or(0, |rate| (rate.clamp(0.0, 1e6) * 1_000.0) as u64);
    (height(variant), variant.bandwidth, frames)
}

/// Whether a variant says that it has no picture: no size, and codecs of which all are sound.
fn is_audio(variant: &Variant) -> bool {
    /// How the names of sound codecs begin (RFC 6381 and its registry).
    const SOUND: [&str; 8] = ["mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac", "alac", "mp3"];
    variant.size.is_none()
        && variant.codecs.as_ref().is_some_and(|codecs| {
            codecs.split(',').all(|codec| {
                let codec = codec.trim().to_ascii_lowercase();
                SOUND.iter().any(|known| codec.starts_with(known))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::super::playlist::{Playlist, parse};
    use super::*;

    fn master(lines: &[(&str, &str)]) -> Master {
        let mut text = "#EXTM3U\n".to_owned();
        for (attributes, uri) in lines {
            text.push_str(&format!("#EXT-X-STREAM-INF:{attributes}\n{uri}\n"));
        }
        match parse(text.as_bytes()).unwrap() {
            Playlist::Master(master) => master,
            Playlist::Media(_) => panic!("not a list of segments"),
        }
    }

    fn chosen(master: &Master, rule: RenditionRule) -> String {
        choose(master, rule).unwrap().0.expose().to_owned()
    }

    #[test]
    fn a_ladder_out_of_order_is_chosen_from_by_height() {
        let master = master(&[
            ("BANDWIDTH=3400000,RESOLUTION=1280x720,FRAME-RATE=60.000", "720p60"),
            ("BANDWIDTH=630000,RESOLUTION=640x360", "360p"),
            (
                "BANDWIDTH=8600000,RESOLUTION=1920x1080,CODECS=\"avc1.64002A,mp4a.40.2\",FRAME-RATE=60",
                "1080p60",
            ),
            ("BANDWIDTH=2400000,RESOLUTION=1280x720,FRAME-RATE=30", "720p30"),
            ("BANDWIDTH=230000,RESOLUTION=284x160", "160p"),
            ("BANDWIDTH=160000,CODECS=\"mp4a.40.2\"", "audio"),
        ]);
        assert_eq!(chosen(&master, RenditionRule::Best), "1080p60");
        assert_eq!(chosen(&master, RenditionRule::Lowest), "160p");
        assert_eq!(chosen(&master, RenditionRule::Height(720)), "720p60");
        assert_eq!(chosen(&master, RenditionRule::Height(480)), "360p");
        assert_eq!(chosen(&master, RenditionRule::Height(4000)), "1080p60");
        assert_eq!(chosen(&master, RenditionRule::Height(100)), "160p");
        assert_eq!(chosen(&master, RenditionRule::AudioOnly), "audio");
    }

    #[test]
    fn without_sound_apart_audio_only_takes_the_least() {
        let master = master(&[("BANDWIDTH=2,RESOLUTION=4x4", "b"), ("BANDWIDTH=1,RESOLUTION=4x4", "a")]);
        assert_eq!(chosen(&master, RenditionRule::AudioOnly), "a");
    }

    #[test]
    fn sound_listed_apart_is_found_and_told() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en, main\",URI=\"en.m3u8\"\n\
                    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"de\",DEFAULT=YES,URI=\"de.m3u8\"\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=4x4,AUDIO=\"a\"\nv.m3u8\n";
        let Playlist::Master(master) = parse(text.as_bytes()).unwrap() else {
            panic!("not a list of segments")
        };
        assert_eq!(chosen(&master, RenditionRule::AudioOnly), "de.m3u8");
        assert!(choose(&master, RenditionRule::Best).unwrap().1.silent);
    }

    #[test]
    fn sound_apart_is_that_of_the_best_picture() {
        let track = |group: &str, uri: &str| {
            format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{group}\",DEFAULT=YES{uri}\n")
        };
        let text = |high: &str| {
            let pictures = "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=4x4,AUDIO=\"low\"\nsmall.m3u8\n\
                            #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=8x8,AUDIO=\"high\"\nlarge.m3u8\n";
            format!("#EXTM3U\n{}{}{pictures}", track("low", ",URI=\"low.m3u8\""), track("high", high))
        };
        let read = |text: String| match parse(text.as_bytes()).unwrap() {
            Playlist::Master(master) => master,
            Playlist::Media(_) => panic!("not a list of renditions"),
        };
        let apart = read(text(",URI=\"high.m3u8\""));
        assert_eq!(chosen(&apart, RenditionRule::AudioOnly), "high.m3u8");
        // The best picture has its sound with it; the other is not its sound, but as good to listen to.
        let with = read(text(""));
        assert!(!choose(&with, RenditionRule::Best).unwrap().1.silent);
        assert_eq!(chosen(&with, RenditionRule::AudioOnly), "low.m3u8");
        let comment = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"main\",DEFAULT=YES\n\
                       #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"comment\",URI=\"comment.m3u8\"\n\
                       #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=4x4,AUDIO=\"a\"\nv.m3u8\n";
        assert_eq!(chosen(&read(comment.to_owned()), RenditionRule::AudioOnly), "v.m3u8");
    }

    #[test]
    fn rules_are_read_from_text() {
        assert_eq!("Best".parse(), Ok(RenditionRule::Best));
        assert_eq!("720p".parse(), Ok(RenditionRule::Height(720)));
        assert_eq!("1080".parse(), Ok(RenditionRule::Height(1080)));
        assert_eq!("0".parse::<RenditionRule>(), Err(UnknownRule));
        assert_eq!("hd".parse::<RenditionRule>(), Err(UnknownRule));
    }
}
