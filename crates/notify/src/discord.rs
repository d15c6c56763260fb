//! Notices as messages of a Discord webhook.

use serde_json::{Value, json};

use crate::notice::{Notice, What};

/// Discord's limits, in characters (UTF-16 units by its own count; ours never counts fewer).
const MOST_TITLE: usize = 256;
const MOST_DESCRIPTION: usize = 4_096;

/// The colour at an embed's edge, as 0xRRGGBB.
const fn colour(what: What) -> u32 {
    match what {
        What::StreamerLive => 0x53_FC_18,
        What::ClipReady => 0x3B_82_F6,
        What::ClipPosted => 0x10_B9_81,
        What::ClipFailed => 0xEF_44_44,
    }
}

/// The message: one embed, and nobody pinged whatever a title says.
pub(crate) fn message(notice: &Notice) -> Value {
    let title = format!("{} {}", notice.streamer, notice.event.words());
    let mut lines = vec![plain(&notice.title)];
    lines.extend(notice.detail.as_deref().map(plain));
    let mut embed = json!({
        "title": cut(&title, MOST_TITLE),
        "color": colour(notice.event),
        "timestamp": notice.at.to_string(),
    });
    // Discord refuses an embed whose address is none; a path is told as text.
    match notice.link.as_deref() {
        Some(link) if link.starts_with("https://") || link.starts_with("http://") => {
            embed["url"] = json!(link);
        }
        Some(path) => lines.push(plain(path)),
        None => {}
    }
    lines.retain(|line| !line.is_empty());
    embed["description"] = json!(cut(&lines.join("\n"), MOST_DESCRIPTION));
    json!({ "username": "Streamliner", "embeds": [embed], "allowed_mentions": { "parse": [] } })
}

/// Text from outside without the characters that Discord reads as markup.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '[' | ']' | '(' | ')' | '#') {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

/// At most this many UTF-16 units, with an ellipsis where something is left out.
fn cut(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut units = 1;
    let kept: String = text
        .chars()
        .take_while(|character| {
            units += character.len_utf16();
            units <= most
        })
        .collect();
    // Half an escape would take the ellipsis with it.
    format!("{}…", kept.trim_end_matches('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(title: &str, link: Option<&str>) -> Notice {
        Notice {
            event: What::ClipReady,
            at: "2026-03-01T18:30:00Z".parse().unwrap(),
            streamer: "demo".parse().unwrap(),
            title: title.to_owned(),
            detail: Some("no way!".to_owned()),
            link: link.map(str::to_owned),
        }
    }

    #[test]
    fn a_message_has_one_embed_and_pings_nobody() {
        let message = message(&notice("@everyone **look**", Some("https://example.org/clip")));
        assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
        let embed = &message["embeds"][0];
        assert_eq!(embed["title"], "demo clip ready");
        assert_eq!(embed["description"], "@everyone \\*\\*look\\*\\*\nno way!");
        assert_eq!(embed["url"], "https://example.org/clip");
        assert_eq!(embed["timestamp"], "2026-03-01T18:30:00Z");
    }

    #[test]
    fn a_path_is_text_since_discord_refuses_it_as_an_address() {
        let message = message(&notice("t", Some("/clips/demo-01.mp4")));
        let embed = &message["embeds"][0];
        assert!(embed.get("url").is_none());
        assert_eq!(embed["description"], "t\nno way!\n/clips/demo-01.mp4");
    }

    #[test]
    fn long_texts_are_cut_to_what_discord_takes() {
        let message = message(&notice(&"🎉*".repeat(3_000), None));
        let description = message["embeds"][0]["description"].as_str().unwrap();
        assert!(description.encode_utf16().count() <= MOST_DESCRIPTION);
        assert!(description.ends_with('…') && !description.ends_with("\\…"));
    }
}
