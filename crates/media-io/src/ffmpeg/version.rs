//! What `ffmpeg -version` says.

use std::fmt;

/// The oldest ffmpeg that is supported: the first with `-fps_mode`, and what Debian 12 ships.
pub const MINIMUM_VERSION: FfmpegVersion = FfmpegVersion::Release { major: 5, minor: 1 };

/// The version of an ffmpeg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FfmpegVersion {
    /// A release, as packaged or built from its sources: `5.1.6-0+deb12u1`, `n7.1`, `7.0.2`.
    Release {
        /// The first number.
        major: u32,
        /// The second number.
        minor: u32,
    },
    /// A build between releases, named after a commit or a date (`N-12345-gabcdef`, `2024-01-01-git-...`): taken as new.
    Development(String),
}

impl FfmpegVersion {
    /// From the output of `ffmpeg -version` or `ffprobe -version`; `None` if it is something else.
    #[must_use]
    pub fn parse(output: &str) -> Option<Self> {
        let mut words = output.lines().next()?.split_whitespace();
        let program = words.next()?;
        if !program.starts_with("ff") || words.next()? != "version" {
            return None;
        }
        let version = words.next()?;
        Some(Self::parse_release(version).unwrap_or_else(|| Self::Development(version.to_owned())))
    }

    /// Whether it is at least [`MINIMUM_VERSION`].
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        match (self, &MINIMUM_VERSION) {
            (Self::Release { major, minor }, Self::Release { major: least, minor: least_minor }) => {
                *major > *least || (*major == *least && *minor >= *least_minor)
            }
            _ => true,
        }
    }

    fn parse_release(version: &str) -> Option<Self> {
        let numbers = version.strip_prefix('n').unwrap_or(version);
        // An epoch, as in "7:5.1.6", is Debian's own.
        let numbers = numbers.split_once(':').map_or(numbers, |(_, rest)| rest);
        let end = numbers.find(|character: char| !character.is_ascii_digit() && character != '.');
        let mut parts = numbers[..end.unwrap_or(numbers.len())].split('.');
        // A year in the first place is the date of a development build.
        let major = parts.next()?.parse().ok().filter(|major| *major < 1_000)?;
        let minor = parts.next().map_or(Some(0), |minor| minor.parse().ok())?;
        Some(Self::Release { major, minor })
    }
}

impl fmt::Display for FfmpegVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { major, minor } => write!(formatter, "{major}.{minor}"),
            Self::Development(name) => formatter.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(version: &str) -> FfmpegVersion {
        let output =
            format!("ffmpeg version {version} Copyright (c) 2000-2024 the FFmpeg developers\nbuilt with gcc");
        FfmpegVersion::parse(&output).expect("a version line")
    }

    #[test]
    fn releases_of_every_packager_are_read() {
        for (text, major, minor) in [
            ("5.1.6-0+deb12u1", 5, 1),
            ("n7.1", 7, 1),
            ("7.0.2", 7, 0),
            ("7:6.1.1-3ubuntu5", 6, 1),
            ("8", 8, 0),
            ("4.4.2-0ubuntu0.22.04.1", 4, 4),
            ("7.1-full_build-www.gyan.dev", 7, 1),
        ] {
            assert_eq!(parse(text), FfmpegVersion::Release { major, minor }, "{text}");
        }
    }

    #[test]
    fn builds_between_releases_count_as_new() {
        for text in ["N-12345-gabcdef0", "2024-05-01-git-96449cfeae-full_build", "git-2020-01-01"] {
            assert_eq!(parse(text), FfmpegVersion::Development(text.to_owned()));
            assert!(parse(text).is_supported(), "{text}");
        }
    }

    #[test]
    fn five_point_one_is_the_oldest_supported() {
        assert!(parse("5.1").is_supported());
        assert!(parse("6.0").is_supported());
        assert!(!parse("5.0.3").is_supported());
        assert!(!parse("4.4.2").is_supported());
    }

    #[test]
    fn other_programs_are_refused() {
        assert_eq!(FfmpegVersion::parse(""), None);
        assert_eq!(FfmpegVersion::parse("bash, version 5.2"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(ffmpeg version )?\\PC{0,60}") {
            let _ = FfmpegVersion::parse(&text).map(|version| version.to_string());
        }

        #[test]
        fn every_release_survives_text(major in 0_u32..999, minor in 0_u32..99) {
            let version = FfmpegVersion::Release { major, minor };
            prop_assert_eq!(parse(&version.to_string()), version);
        }
    }
}
