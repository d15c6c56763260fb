//! A real S3 server over a folder, on loopback: signatures, multipart uploads and checksums are checked as anywhere.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The id of the access key that the server knows.
pub const ACCESS_KEY_ID: &str = "AKIATESTKIT";
/// The access key that the server knows.
pub const SECRET_ACCESS_KEY: &str = "testkit-secret-access-key";
/// The bucket that is there.
pub const BUCKET: &str = "clips";

/// The server. It stops when this is dropped, or with its runtime.
#[derive(Debug)]
pub struct S3Server {
    root: tempfile::TempDir,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl S3Server {
    /// Starts it, with one empty bucket.
    ///
    /// # Errors
    /// No folder or no port is to be had.
    pub async fn start() -> io::Result<Self> {
        let root = tempfile::tempdir()?;
        fs_err::create_dir(root.path().join(BUCKET))?;
        let files = FileSystem::new(root.path()).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = builder.build();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that goes away ends its connection, nothing else.
                    Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await
                        .ok();
                });
            }
        });
        Ok(Self { root, address, serving })
    }

    /// The endpoint, such as `http://127.0.0.1:1234`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the objects of [`BUCKET`] lie as files, named by their keys.
    #[must_use]
    pub fn bucket_folder(&self) -> PathBuf {
        self.root.path().join(BUCKET)
    }

    /// The keys of the objects in [`BUCKET`], sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn keys(&self) -> io::Result<Vec<String>> {
        let bucket = self.bucket_folder();
        let mut keys = Vec::new();
        collect(&bucket, &bucket, &mut keys)?;
        keys.sort();
        Ok(keys)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn collect(root: &Path, folder: &Path, keys: &mut Vec<String>) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The server keeps what it knows of an object, and parts of uploads, in files that begin with a dot.
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, keys)?;
        } else {
            keys.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
        }
    }
    Ok(())
}
