//! Brings the text of a playlist into the form that the parser reads without loss: only tags that are used, one to a
//! line, their attributes well formed, every line ended.

use std::fmt::Write;

use jiff::Timestamp;

use super::{MAX_SEGMENT_SECONDS, PlaylistError};

/// What the tidied text lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Master,
    Media,
}

/// A playlist in the form that the parser reads.
#[derive(Debug)]
pub(super) struct Tidied {
    pub(super) text: String,
    pub(super) kind: Kind,
    pub(super) has_discontinuity_sequence: bool,
}

/// Whether an attribute's value stands in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Quoted,
    Bare,
}

const STREAM_INF: &[(&str, Form)] = &[
    ("RESOLUTION", Form::Bare),
    ("FRAME-RATE", Form::Bare),
    ("CODECS", Form::Quoted),
    ("AUDIO", Form::Quoted),
];
const MEDIA: &[(&str, Form)] = &[("URI", Form::Quoted), ("LANGUAGE", Form::Quoted)];
const KEY: &[(&str, Form)] = &[("URI", Form::Quoted), ("IV", Form::Bare), ("KEYFORMAT", Form::Quoted)];
const MAP: &[(&str, Form)] = &[("URI", Form::Quoted), ("BYTERANGE", Form::Quoted)];

/// What the next address line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    Variant,
    Segment,
}

pub(super) fn tidy(text: &[u8]) -> Result<Tidied, PlaylistError> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with("#EXTM3U") {
        return Err(PlaylistError::NotPlaylist { found: describe(text) });
    }
    let mut out = String::with_capacity(text.len() + 64);
    out.push_str("#EXTM3U\n");
    let mut awaited = Awaited::Nothing;
    let (mut master, mut media, mut has_discontinuity_sequence) = (false, false, false);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let wrong = |detail| PlaylistError::Line { line: index + 1, detail };
        if line.is_empty() {
            continue;
        }
        if !line.starts_with('#') {
            match awaited {
                Awaited::Nothing if master => continue,
                Awaited::Nothing => {
                    return Err(wrong("is an address without a duration: #EXTINF must stand before it"));
                }
                Awaited::Variant | Awaited::Segment => {}
            }
            awaited = Awaited::Nothing;
            push_line(&mut out, "", line);
            continue;
        }
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match tag {
            "#EXT-X-STREAM-INF" => {
                master = true;
                awaited = Awaited::Variant;
                push_variant(&mut out, value);
            }
            "#EXT-X-MEDIA" => {
                master = true;
                push_audio(&mut out, value);
            }
            "#EXTINF" => {
                media = true;
                awaited = Awaited::Segment;
                let seconds = value.split(',').next().and_then(duration);
                let seconds =
                    seconds.ok_or_else(|| wrong("has no duration from 0 to 3600 seconds after #EXTINF:"))?;
                let _ = writeln!(out, "#EXTINF:{seconds:.6},");
            }
            "#EXT-X-TARGETDURATION" => {
                media = true;
                let seconds = duration(value).ok_or_else(|| wrong("has no target duration in seconds"))?;
                let _ = writeln!(out, "{tag}:{}", seconds.ceil());
            }
            "#EXT-X-MEDIA-SEQUENCE" | "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                media = true;
                has_discontinuity_sequence |= tag == "#EXT-X-DISCONTINUITY-SEQUENCE";
                let number: u64 = value.parse().map_err(|_| wrong("has no sequence number below 2^64"))?;
                let _ = writeln!(out, "{tag}:{number}");
            }
            "#EXT-X-BYTERANGE" => {
                media = true;
                if !is_byte_range(value) {
                    return Err(wrong("has no byte range of the form LENGTH@OFFSET"));
                }
                let _ = writeln!(out, "{tag}:{value}");
            }
            "#EXT-X-KEY" => {
                media = true;
                push_key(&mut out, value)
                    .ok_or_else(|| wrong("has an IV that is not 0x and up to 32 hexadecimal digits"))?;
            }
            "#EXT-X-MAP" => {
                media = true;
                push_map(&mut out, value)
                    .ok_or_else(|| wrong("has no URI, or a byte range that is none, after #EXT-X-MAP:"))?;
            }
            "#EXT-X-PROGRAM-DATE-TIME" => {
                media = true;
                if let Some(time) = date_time(value) {
                    let _ = writeln!(out, "{tag}:{time}");
                }
            }
            "#EXT-X-DISCONTINUITY" | "#EXT-X-GAP" | "#EXT-X-ENDLIST" => {
                media = true;
                push_line(&mut out, "", tag);
            }
            _ => {}
        }
    }
    let kind = match (master, media) {
        (true, true) => {
            return Err(PlaylistError::Line {
                line: 1,
                detail: "begins a list of both renditions and segments",
            });
        }
        (true, false) => Kind::Master,
        (false, true) => Kind::Media,
        (false, false) => return Err(PlaylistError::Nothing),
    };
    Ok(Tidied { text: out, kind, has_discontinuity_sequence })
}

/// What a text that is no playlist seems to be.
pub(in crate::hls) fn describe(text: &str) -> &'static str {
    let head: String = text.trim_start().chars().take(64).collect::<String>().to_ascii_lowercase();
    if head.is_empty() {
        "empty"
    } else if head.starts_with("<!doctype html") || head.starts_with("<html") {
        "an HTML page"
    } else if head.starts_with('<') {
        "an XML or HTML document"
    } else if head.starts_with(['{', '[']) {
        "JSON"
    } else if head.get(4..8) == Some("ftyp") {
        "an MP4 file"
    } else {
        "something else"
    }
}

/// Adds a line. What is neither text nor space in it would confuse the parser, and no address holds it.
fn push_line(out: &mut String, before: &str, line: &str) {
    out.push_str(before);
    out.extend(line.chars().filter(|character| !character.is_control()));
    out.push('\n');
}

fn duration(text: &str) -> Option<f64> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..=MAX_SEGMENT_SECONDS).contains(&seconds).then_some(seconds)
}

fn date_time(text: &str) -> Option<Timestamp> {
    let time = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse()).ok()?;
    // Before 1970 nothing was streamed, and the parser reads no years of five digits.
    (time.as_second() >= 0 && time.as_second() < 253_402_300_799).then_some(time)
}

fn is_byte_range(text: &str) -> bool {
    let (length, offset) = text.split_once('@').unwrap_or((text, "0"));
    // The parser takes digits alone, where a number may have a sign.
    [length, offset]
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u64>().is_ok())
}

/// The attributes of a list, with the quotes of those that have some. Ends at the first that is malformed.
fn attributes(mut text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches([',', ' ', '\t']);
        let Some((name, rest)) = text.split_once('=') else { return found };
        let rest = rest.trim_start();
        let end = if let Some(inside) = rest.strip_prefix('"') {
            let Some(length) = inside.find('"') else { return found };
            length + 2
        } else {
            rest.find(',').unwrap_or(rest.len())
        };
        let (value, remaining) = rest.split_at(end);
        found.push((name.trim(), value.trim()));
        text = remaining;
    }
}

fn attribute<'a>(attributes: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let value = attributes.iter().find(|(found, _)| *found == name)?.1.trim_matches('"');
    (!value.is_empty()).then_some(value)
}

/// Writes those of `wanted` that are there, in the form that the parser wants, each after a comma.
fn push_attributes(out: &mut String, attributes: &[(&str, &str)], wanted: &[(&str, Form)]) {
    for (name, form) in wanted {
        let Some(value) = attribute(attributes, name) else { continue };
        match form {
            Form::Quoted => push_quoted(out, name, value),
            Form::Bare if !value.contains([',', '"']) => {
                let _ = write!(out, ",{name}={value}");
            }
            Form::Bare => {}
        }
    }
}

fn push_quoted(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, ",{name}=\"");
    out.extend(value.chars().filter(|character| !character.is_control()));
    out.push('"');
}

fn push_variant(out: &mut String, value: &str) {
    let mut found = attributes(value);
    let bandwidth = attribute(&found, "BANDWIDTH").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}");
    let is_size = |text: &str| {
        text.split_once('x').is_some_and(|(width, height)| {
            width.parse::<u64>().is_ok() && height.parse::<u64>().is_ok() && !text.contains('+')
        })
    };
    found.retain(|(name, value)| match *name {
        "RESOLUTION" => is_size(value.trim_matches('"')),
        "FRAME-RATE" => value.trim_matches('"').parse::<f64>().is_ok_and(f64::is_finite),
        _ => true,
    });
    push_attributes(out, &found, STREAM_INF);
    out.push('\n');
}

/// Only sound that is listed apart matters: video groups repeat what the variants say.
fn push_audio(out: &mut String, value: &str) {
    let found = attributes(value);
    let (Some("AUDIO"), Some(group)) = (attribute(&found, "TYPE"), attribute(&found, "GROUP-ID")) else {
        return;
    };
    out.push_str("#EXT-X-MEDIA:TYPE=AUDIO");
    push_quoted(out, "GROUP-ID", group);
    push_quoted(out, "NAME", attribute(&found, "NAME").unwrap_or("audio"));
    if attribute(&found, "DEFAULT") == Some("YES") {
        out.push_str(",DEFAULT=YES");
    }
    push_attributes(out, &found, MEDIA);
    out.push('\n');
}

fn push_key(out: &mut String, value: &str) -> Option<()> {
    let found = attributes(value);
    let method = attribute(&found, "METHOD").filter(|method| !method.contains(',')).unwrap_or("NONE");
    let _ = write!(out, "#EXT-X-KEY:METHOD={method}");
    if method == "NONE" {
        // The parser refuses a "none" without an initialisation vector, and would go on with the key before it.
        out.push_str(",IV=0x0");
    } else {
        if attribute(&found, "IV").is_some_and(|text| super::media::read_iv(text).is_none()) {
            return None;
        }
        push_attributes(out, &found, KEY);
    }
    out.push('\n');
    Some(())
}

fn push_map(out: &mut String, value: &str) -> Option<()> {
    let found = attributes(value);
    attribute(&found, "URI")?;
    if attribute(&found, "BYTERANGE").is_some_and(|range| !is_byte_range(range)) {
        return None;
    }
    out.push_str("#EXT-X-MAP:");
    let start = out.len();
    push_attributes(out, &found, MAP);
    // The first attribute follows the colon at once.
    out.remove(start);
    out.push('\n');
    Some(())
}
