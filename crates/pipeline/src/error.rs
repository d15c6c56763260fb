//! What can go wrong, by what it means for the caller.

use std::path::PathBuf;

use crate::inputs::InputError;

/// Why a recording could not be processed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recording cannot be read, decoded or cut.
    #[error(transparent)]
    Media(#[from] media_io::Error),
    /// A segment of a stream has no place in time.
    #[error(transparent)]
    Segment(#[from] media_io::hls::clock::ClockError),
    /// A broadcast cannot be had.
    #[error(transparent)]
    Vod(#[from] crate::vod::VodError),
    /// Speech recognition failed.
    #[error(transparent)]
    Speech(#[from] transcribe::Error),
    /// A clip cannot be rendered.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// A clip cannot be stored.
    #[error(transparent)]
    Storage(Box<storage::StorageError>),
    /// A clip cannot be made ready to be published.
    #[error(transparent)]
    Publish(#[from] publish::PublishError),
    /// A chat or transcript file is not what it should be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The lexicon or a change to it is not what it should be.
    #[error("the lexicon cannot be used: {0}")]
    Lexicon(#[from] highlight_detect::lexicon::LexiconError),
    /// The options of selection contradict each other.
    #[error("the settings of detection cannot be used: {0}")]
    Options(#[from] highlight_detect::OptionsError),
    /// The template of the posting text is wrong.
    #[error(
        "the description template cannot be used: {source}; it may use {}",
        crate::CAPTION_VARIABLES.join(", ")
    )]
    Template {
        /// What the template engine said.
        source: minijinja::Error,
    },
    /// The report cannot be made.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
    /// The database cannot be used.
    #[error("the database {} cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: sqlx::Error,
    },
    /// A row of the database does not say what it should.
    #[error(
        "the database holds something unreadable for {what}: {source}; run again with --force to start over"
    )]
    Stored {
        /// What was read.
        what: &'static str,
        /// What was wrong with it.
        source: serde_json::Error,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be {action}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process works on the same recording with the same settings.
    #[error(
        "another streamliner (process {holder}) is working on this recording with these settings; wait for it, or stop it"
    )]
    Busy {
        /// The number of that process; 0 if it does not tell.
        holder: u32,
    },
    /// The recording has sound but no picture: everything but clips was made.
    #[error("{} has no video track, so there is nothing to render; what was found is in {}", source_path.display(), output.display())]
    NothingToShow {
        /// The recording.
        source_path: PathBuf,
        /// The folder with the list and the report.
        output: PathBuf,
    },
    /// Webhooks cannot be received there.
    #[error("{address} cannot be listened on for webhooks; choose another in monitor.webhook_listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A job ended without a result although nothing asked it to.
    #[error("the job queue stopped: {0}")]
    Queue(String),
    /// The caller asked to stop.
    #[error("interrupted; run the same command again to go on")]
    Interrupted,
}

impl From<storage::StorageError> for Error {
    fn from(error: storage::StorageError) -> Self {
        Self::Storage(Box::new(error))
    }
}

impl Error {
    /// Whether the caller itself asked to stop.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        match self {
            Self::Interrupted
            | Self::Media(media_io::Error::Interrupted)
            | Self::Speech(transcribe::Error::Interrupted) => true,
            Self::Render(render::Error::Media(error)) => error.is_interrupted(),
            _ => false,
        }
    }

    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, action, source }
    }
}
