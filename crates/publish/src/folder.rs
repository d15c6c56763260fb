//! Export to a folder: for platforms without an interface, and for people who post by hand.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::delivery::{Delivery, DeliveryState, Receipt};
use crate::error::PublishError;
use crate::journal::{Journal, Mark, Standing};
use crate::post::{ContentHash, Post, Target};
use crate::publisher::{ProgressSink, Publisher, Readiness};

/// What the platform of such targets is called.
const PLATFORM: &str = "folder";
/// Files of one name and different content get a number, up to this.
const MOST_NAMESAKES: u32 = 1_000;

/// Puts each post, and its text beside it, into a folder: `NAME.mp4` and `NAME.txt`. Files appear whole. A post that is there already, by
/// its content, is not copied again; another one of the same name gets a number.
#[derive(Clone, Debug)]
pub struct FolderExport {
    folder: PathBuf,
    target: Target,
}

impl FolderExport {
    /// Into this folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`PublishError::File`] if it cannot be made.
    pub fn new(folder: &Path) -> Result<Self, PublishError> {
        let failed = |source| PublishError::File { what: "made", path: folder.to_owned(), source };
        fs_err::create_dir_all(folder).map_err(failed)?;
        let folder = fs_err::canonicalize(folder).map_err(failed)?;
        let target = Target { platform: PLATFORM.to_owned(), account: folder.display().to_string() };
        Ok(Self { folder, target })
    }

    /// Where a post lies, or would: the first name whose file is the post itself or is not there.
    fn place_of(&self, post: &Post) -> Result<(PathBuf, bool), PublishError> {
        let extension = post.video.extension().and_then(|extension| extension.to_str()).unwrap_or("mp4");
        for number in 1..=MOST_NAMESAKES {
            let name = if number == 1 { post.name.clone() } else { format!("{}-{number}", post.name) };
            let path = self.folder.join(format!("{name}.{extension}"));
            match fs_err::metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((path, false)),
                Err(source) => return Err(PublishError::File { what: "read", path, source }),
                Ok(there) if there.len() == post.facts.bytes => {
                    if ContentHash::of_file(&path)? == post.content {
                        return Ok((path, true));
                    }
                }
                Ok(_) => {}
            }
        }
        Err(PublishError::Setup {
            reason: format!(
                "{}: there are {MOST_NAMESAKES} files called {} already",
                self.folder.display(),
                post.name
            ),
        })
    }

    fn copy(&self, post: &Post) -> Result<PathBuf, PublishError> {
        let (path, is_there) = self.place_of(post)?;
        if !is_there {
            self.write(&path, |file| io::copy(&mut fs_err::File::open(&post.video)?, file).map(drop))?;
        }
        let text = path.with_extension("txt");
        self.write(&text, |file| writeln!(file, "{}", post.text))?;
        Ok(path)
    }

    /// Writes a file of the folder so that it is there as a whole or not at all.
    fn write(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut tempfile::NamedTempFile) -> io::Result<()>,
    ) -> Result<(), PublishError> {
        let write = || -> io::Result<()> {
            let mut file =
                tempfile::Builder::new().prefix(".streamliner-").suffix(".part").tempfile_in(&self.folder)?;
            fill(&mut file)?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                // Temporary files are private; what comes out is for everyone whom the folder lets in.
                file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
            }
            file.as_file().sync_all()?;
            file.persist(path)?;
            fs_err::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| PublishError::File { what: "written", path: path.to_owned(), source })
    }
}

impl fmt::Display for FolderExport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the folder {}", self.folder.display())
    }
}

#[async_trait]
impl Publisher for FolderExport {
    fn target(&self) -> &Target {
        &self.target
    }

    fn check(&self, post: &Post) -> Result<(), PublishError> {
        let is_plain = !post.name.is_empty()
            && !post.name.starts_with('.')
            && !post.name.contains(['/', '\\', '\0'])
            && post.name.len() <= 180;
        if is_plain {
            return Ok(());
        }
        let limit = format!(
            "{:?} cannot be the name of a file: use at most 180 bytes without slashes, not beginning with a dot",
            post.name
        );
        Err(PublishError::Unsuitable { path: post.video.clone(), limit })
    }

    async fn readiness(&self) -> Result<Readiness, PublishError> {
        Ok(Readiness::Now)
    }

    async fn publish(
        &self,
        post: &Post,
        journal: &mut dyn Journal,
        progress: ProgressSink<'_>,
    ) -> Result<Delivery, PublishError> {
        self.check(post)?;
        if let Standing::Delivered(delivery) = journal.standing() {
            return Ok(delivery);
        }
        // The folder itself tells whether an earlier attempt got through, so an unfinished one is simply done again.
        journal.write(Mark::Committing { receipt: None }).await?;
        let (exporter, copied) = (self.clone(), post.clone());
        let path = tokio::task::spawn_blocking(move || exporter.copy(&copied)).await.map_err(|error| {
            PublishError::Unavailable {
                what: format!("{self}: the copy broke off"),
                source: Some(error.into()),
            }
        })??;
        progress(post.facts.bytes);
        let delivery = Delivery::new(DeliveryState::Exported).with_link(path.display().to_string());
        journal.write(Mark::Delivered { delivery: delivery.clone() }).await?;
        tracing::debug!(path = %path.display(), "exported");
        Ok(delivery)
    }

    async fn follow(&self, receipt: &Receipt) -> Result<Delivery, PublishError> {
        Err(PublishError::Setup {
            reason: format!("{self} gives no receipts, so there is none called {receipt}"),
        })
    }
}
