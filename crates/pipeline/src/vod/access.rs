//! From the address that somebody gave to that of a playlist or a file.

use std::fmt;
use std::time::Duration;

use kick_client::vod::{VodError as KickVodError, VodRef, VodResolver};
use kick_client::{KickConfig, KickHttp};
use media_io::hls::{Address, HlsClient};

use super::VodError;
use super::chat::ChatPlace;
use super::input::{Kind, VodInput, is_playlist};

/// What stands for the address in an argument of a command.
const URL: &str = "{url}";
/// How long a command may take. yt-dlp asks a site many times.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(90);
/// How much of what a command complains about is repeated, in characters.
const LONGEST_COMPLAINT: usize = 200;

/// How broadcasts are found and fetched.
#[derive(Clone)]
pub struct VodAccess {
    /// Fetches playlists, segments and files.
    pub client: HlsClient,
    /// The addresses of Kick. No credentials are needed.
    pub kick: KickConfig,
    /// A program that prints the address of a page's video, with its arguments, in which `{url}` stands for the page; empty if
    /// there is none.
    pub command: Vec<String>,
}

impl fmt::Debug for VodAccess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments may hold cookies and tokens.
        formatter
            .debug_struct("VodAccess")
            .field("kick", &self.kick)
            .field("command", &self.command.first())
            .finish_non_exhaustive()
    }
}

/// Where a broadcast is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: Address,
    /// Whether that is a playlist; a media file otherwise.
    pub(crate) is_playlist: bool,
    /// What it is called, where that is known.
    pub(crate) title: Option<String>,
    /// Where its chat is, if it has one that can be asked for.
    pub(crate) chat: Option<ChatPlace>,
}

impl Place {
    const fn bare(address: Address, is_playlist: bool) -> Self {
        Self { address, is_playlist, title: None, chat: None }
    }
}

impl VodAccess {
    /// Finds out where the broadcast is now.
    pub(crate) async fn locate(&self, input: &VodInput) -> Result<Place, VodError> {
        match &input.0 {
            Kind::Kick(reference) => self.on_kick(reference, &input.shown()).await,
            Kind::Playlist(address) => Ok(Place::bare(address.clone(), true)),
            Kind::File(address) => Ok(Place::bare(address.clone(), false)),
            Kind::Page(address) if self.command.is_empty() => {
                Err(VodError::UnknownSite { host: address.host() })
            }
            Kind::Page(address) => self.ask_command(address.expose().as_str()).await,
        }
    }

    async fn on_kick(&self, reference: &VodRef, page: &str) -> Result<Place, VodError> {
        let resolver = VodResolver::new(&self.kick, KickHttp::new(&self.kick)?);
        match resolver.resolve(reference).await {
            Ok(vod) => {
                let address = Address::parse(vod.url.expose().as_str())?;
                let title = Some(vod.title).filter(|title| !title.trim().is_empty());
                let chat = vod.channel_id.map(|channel_id| ChatPlace { channel_id, began: vod.start_time });
                Ok(Place { address, is_playlist: true, title, chat })
            }
            // Whoever is turned away may know a program that is not.
            Err(error @ (KickVodError::Blocked { .. } | KickVodError::Kick(_)))
                if !self.command.is_empty() =>
            {
                tracing::warn!(%error, "Kick does not tell where the video is; asking the command");
                self.ask_command(page).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ask_command(&self, page: &str) -> Result<Place, VodError> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(VodError::Command {
                program: "nothing".to_owned(),
                why: "no program is named".to_owned(),
            });
        };
        let failed = |why: String| VodError::Command { program: program.clone(), why };
        let arguments: Vec<String> = arguments.iter().map(|part| part.replace(URL, page)).collect();
        let output = tokio::time::timeout(COMMAND_TIMEOUT, media_io::run_program(program, &arguments))
            .await
            .map_err(|_| failed(format!("it did not end within {} s", COMMAND_TIMEOUT.as_secs())))?
            .map_err(|error| failed(format!("it cannot be started: {error}")))?;
        if output.code != Some(0) {
            let end =
                output.code.map_or_else(|| "was killed".to_owned(), |code| format!("ended with code {code}"));
            return Err(failed(format!("it {end}{}", complaint(&output.stderr))));
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        let address = printed.lines().find_map(|line| Address::parse(line).ok()).ok_or_else(|| {
            failed(format!("it printed no line that is an address{}", complaint(&output.stderr)))
        })?;
        let is_playlist = is_playlist(&address);
        Ok(Place::bare(address, is_playlist))
    }
}

/// The last line of what a program complains about, without the addresses in it.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let Some(line) = text.lines().map(str::trim).rfind(|line| !line.is_empty()) else { return String::new() };
    let words = line.split_whitespace().map(|word| if word.contains("://") { "(an address)" } else { word });
    let shown: String = words.collect::<Vec<_>>().join(" ").chars().filter(|one| !one.is_control()).collect();
    format!(" ({})", shown.chars().take(LONGEST_COMPLAINT).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_show_no_address() {
        let text = b"first\nERROR: 'https://h.example/a?token=SECRET' is \x1bgone\n\n";
        assert_eq!(complaint(text), " (ERROR: (an address) is gone)");
        assert_eq!(complaint(b" \n"), "");
    }
}
