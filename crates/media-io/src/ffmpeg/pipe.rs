//! Reading what ffmpeg writes to its standard output.

use std::io::{self, Read};
use std::process::ChildStdout;

use super::process::RunningProcess;
use crate::Error;

/// The standard output of a running ffmpeg. Dropping it kills ffmpeg and waits for its end.
#[derive(Debug)]
pub struct FfmpegPipe {
    // Closed before the process is waited for: an ffmpeg that still writes must not block the end.
    stdout: Option<ChildStdout>,
    process: RunningProcess,
}

impl FfmpegPipe {
    pub(super) fn new(mut process: RunningProcess) -> Self {
        Self { stdout: process.take_stdout(), process }
    }

    /// Waits for the end. To be called when reading has reached the end; what is left unread is thrown away.
    ///
    /// # Errors
    /// [`Error::Ffmpeg`] where ffmpeg failed, with the end of its standard error.
    pub fn finish(mut self) -> Result<(), Error> {
        if let Some(mut stdout) = self.stdout.take() {
            // An ffmpeg whose output is closed early fails for that reason alone, so it is read to the end.
            let _ = io::copy(&mut stdout, &mut io::sink());
        }
        self.process.wait()
    }
}

impl Read for FfmpegPipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdout.as_mut().map_or(Ok(0), |stdout| stdout.read(buffer))
    }
}
