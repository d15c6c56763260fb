//! Text that ffmpeg's filter graph parser reads back as it was.

/// Escapes `value` for use as the value of an option in a filter graph (`-filter_complex`, `-vf`).
///
/// ffmpeg unescapes such a value twice: the graph parser takes it apart at `[],;` and removes one level of quotes and
/// backslashes, then the filter's options are taken apart at `:` and another level is removed (ffmpeg-filters(1), "Notes
/// on filtergraph escaping"). So each special character is escaped for the second reading, and that for the first.
pub(crate) fn escape_option_value(value: &str) -> String {
    escape(&escape(value, "\\':"), "\\'[],;")
}

fn escape(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        // Spaces at the ends would be trimmed.
        if special.contains(character) || character.is_whitespace() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use media_io::{Ffmpeg, FfmpegOptions};

    use super::*;

    #[test]
    fn both_levels_are_escaped() {
        assert_eq!(escape_option_value("plain.ass"), "plain.ass");
        assert_eq!(escape_option_value("a:b"), "a\\\\:b");
        assert_eq!(escape_option_value("it's"), "it\\\\\\'s");
        assert_eq!(escape_option_value("[x],y;"), "\\[x\\]\\,y\\;");
    }

    #[test]
    fn ffmpeg_finds_a_file_with_a_nasty_name() {
        let folder = tempfile::tempdir().unwrap();
        let nasty = folder.path().join(" a'b:c\\d,e;f [g] =h%i {j} é \" ");
        fs_err::create_dir(&nasty).unwrap();
        let captions = nasty.join("it's [1]:2,3.ass");
        let text = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n\
                    Style: Default,Sans,20\n\n[Events]\nFormat: Start, End, Style, Text\n";
        fs_err::write(&captions, text).unwrap();
        let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).unwrap();
        let run = |name: &str| {
            let filter = format!(
                "color=size=64x64:duration=0.1,ass=filename={}:fontsdir={}",
                escape_option_value(name),
                escape_option_value(nasty.to_str().unwrap())
            );
            let arguments = ["-filter_complex", &filter, "-f", "null", "-"].map(Into::into).into();
            ffmpeg.capture(arguments)
        };
        run(captions.to_str().unwrap()).expect("the file is found");
        run("missing.ass").expect_err("a missing file is an error, so the test above can fail");
    }
}
