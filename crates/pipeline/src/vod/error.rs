//! Why a broadcast cannot be had.

use kick_client::KickError;
use kick_client::vod::VodRefError;
use media_io::hls::playlist::PlaylistError;
use media_io::hls::{HlsError, LossReason};
use timeline::{MediaDuration, Span};

/// Why a broadcast cannot be had, by what can be done about it. Addresses may carry tokens, so only their host is named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VodError {
    /// The address has another scheme than those of the web.
    #[error(
        "{scheme}:// addresses cannot be fetched: give one that begins with http:// or https://, or a file"
    )]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A page of Kick's, but not that of a video.
    #[error(transparent)]
    Reference(#[from] VodRefError),
    /// Kick has no such video, or does not give it out.
    #[error(transparent)]
    Kick(#[from] kick_client::vod::VodError),
    /// Kick cannot be asked.
    #[error(transparent)]
    Client(#[from] KickError),
    /// Playlists or segments cannot be had or used.
    #[error(transparent)]
    Stream(#[from] HlsError),
    /// A page of which nobody here knows where its video lies.
    #[error(
        "{host} is not known here: give the address of a playlist (.m3u8), of a media file (.mp4) or of a video on Kick, or name a program that finds it in vod.resolver_command, such as [\"yt-dlp\", \"-g\", \"-f\", \"b\", \"{{url}}\"]"
    )]
    UnknownSite {
        /// The host.
        host: String,
    },
    /// The program that finds addresses failed.
    #[error(
        "{program} does not find the video: {why}; run it by hand to see more, or correct vod.resolver_command"
    )]
    Command {
        /// The program.
        program: String,
        /// What happened.
        why: String,
    },
    /// The address says to begin where there is nothing any more.
    #[error("the address begins at {start} (t=), but the recording is only {length} long")]
    StartsAfterEnd {
        /// Where to begin.
        start: MediaDuration,
        /// How long the recording is.
        length: MediaDuration,
    },
    /// Not one segment could be had.
    #[error("not one segment of the broadcast on {host} could be had: {reason}")]
    Nothing {
        /// The host.
        host: String,
        /// What the last attempt met.
        reason: LossReason,
    },
    /// So much could not be had that going on makes no sense.
    #[error(
        "{count} segments in a row could not be had from {host} ({reason}); run the same command again to go on"
    )]
    Stuck {
        /// The host.
        host: String,
        /// How many.
        count: u32,
        /// What the last attempt met.
        reason: LossReason,
    },
    /// A part of the best rendition cannot be had.
    #[error("the best rendition of {span} cannot be had from {host} ({reason})")]
    Lost {
        /// The host.
        host: String,
        /// The part.
        span: Span,
        /// What the last attempt met.
        reason: LossReason,
    },
    /// A segment of the best rendition is there but cannot be placed.
    #[error("the best rendition of {span} from {host} cannot be cut: its segments have no place in time")]
    Unplaced {
        /// The host.
        host: String,
        /// The part.
        span: Span,
    },
}

impl VodError {
    /// Whether trying the same again could not help: the address is wrong, or what it names cannot be had (now, or ever).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Scheme { .. }
            | Self::Reference(_)
            | Self::UnknownSite { .. }
            | Self::StartsAfterEnd { .. } => true,
            Self::Kick(error) => !matches!(error, kick_client::vod::VodError::Kick(_)),
            Self::Stream(error) => matches!(
                error,
                HlsError::Address { .. }
                    | HlsError::Status { status: 400..=499, .. }
                    | HlsError::Playlist { .. }
                    | HlsError::Loop { .. }
                    | HlsError::NoRendition { .. }
                    | HlsError::Redirects { .. }
                    | HlsError::Downgrade { .. }
                    | HlsError::PrivateAddress { .. }
                    | HlsError::Encryption { .. }
                    | HlsError::WebPage { .. }
                    | HlsError::NotMedia { .. }
            ),
            _ => false,
        }
    }

    /// What may mend it, where the text itself does not say.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Stream(
                HlsError::WebPage { .. }
                | HlsError::Playlist { source: PlaylistError::NotPlaylist { .. }, .. },
            ) => Some(
                "give the address of the video itself: a playlist (.m3u8), a media file (.mp4), or the page of a video on Kick",
            ),
            Self::Stream(HlsError::Status { status: 401 | 403, .. }) => {
                Some("take the address anew from where you have it: such addresses expire")
            }
            Self::Stream(HlsError::Status { status: 404 | 410, .. }) => {
                Some("check the address; hosts remove recordings after a while")
            }
            Self::Stream(
                HlsError::Loop { .. }
                | HlsError::NoRendition { .. }
                | HlsError::Redirects { .. }
                | HlsError::Downgrade { .. }
                | HlsError::PrivateAddress { .. },
            ) => Some("the host is set up wrongly, or the address is; try another address of the same video"),
            Self::Stream(
                HlsError::Unreachable { .. } | HlsError::Timeout { .. } | HlsError::CutOff { .. },
            )
            | Self::Client(_) => {
                Some("check the connection and run the same command again; what is there is kept")
            }
            _ => None,
        }
    }
}
