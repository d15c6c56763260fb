//! Small videos made on the spot.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use timeline::FrameRate;

use crate::program;
use crate::strip::FrameStrip;

/// Samples a second of generated sound.
const SAMPLE_RATE: u32 = 48_000;
/// Length of a beep in seconds and its pitch in Hz.
const BEEP: (f64, f64) = (0.05, 1_000.0);

/// What a generated audio track holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sound {
    /// Digital silence.
    Silence,
    /// 50 ms of 1 kHz on every full second, from zero; see [`crate::beep_starts`].
    Beeps,
    /// A steady tone of this many Hz.
    Tone(f64),
}

/// A small H.264 video whose every frame carries its number.
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use testkit::{Placement, Sound, TestMedia, frame_numbers};
///
/// let folder = tempfile::tempdir()?;
/// let video = folder.path().join("sixty.mp4");
/// let media = TestMedia::new(120).rate(timeline::FrameRate::FPS_60).sound(Sound::Beeps);
/// media.write(&video)?;
/// assert_eq!(frame_numbers(&video, &media.strip(), Placement::IDENTITY)?[7], Some(7));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TestMedia {
    frames: u16,
    rate: FrameRate,
    size: (u32, u32),
    sounds: Vec<Sound>,
    options: Vec<OsString>,
}

impl TestMedia {
    /// `frames` pictures of 640x360 at 30 frames a second, without sound.
    pub fn new(frames: u16) -> Self {
        Self { frames, rate: FrameRate::FPS_30, size: (640, 360), sounds: Vec::new(), options: Vec::new() }
    }

    /// Another constant frame rate.
    pub fn rate(mut self, rate: FrameRate) -> Self {
        self.rate = rate;
        self
    }

    /// Another picture size, at least 256x64.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width, height);
        self
    }

    /// One more audio track (AAC, mono).
    pub fn sound(mut self, sound: Sound) -> Self {
        self.sounds.push(sound);
        self
    }

    /// More output options for ffmpeg, placed last, so that they win.
    pub fn options<S: Into<OsString>>(mut self, options: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Where the frame number is drawn.
    #[must_use]
    pub fn strip(&self) -> FrameStrip {
        // The widest that keeps to the middle 75 % of the picture, in whole macroblocks of chroma.
        let cell = (self.size.0 * 3 / 4 / FrameStrip::CELLS as u32 / 8 * 8).max(8);
        let left = (self.size.0.saturating_sub(cell * FrameStrip::CELLS as u32)) / 2;
        FrameStrip::new(left, self.size.1 / 8, cell)
    }

    /// Writes the file; its name's extension chooses the container.
    ///
    /// # Errors
    /// If ffmpeg cannot be run or refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let seconds = f64::from(self.frames) / self.rate.as_f64();
        let mut arguments: Vec<OsString> =
            ["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray"].map(Into::into).into();
        arguments.extend(["-s".into(), format!("{}x{}", self.size.0, self.size.1).into()]);
        arguments.extend(["-r".into(), self.rate.to_string().into(), "-i".into(), "pipe:0".into()]);
        for sound in &self.sounds {
            arguments.extend(["-f".into(), "lavfi".into(), "-i".into(), sound.source(seconds).into()]);
        }
        for input in 0..=self.sounds.len() {
            arguments.extend(["-map".into(), input.to_string().into()]);
        }
        let encoder =
            ["-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-bf", "2", "-g", "48", "-threads", "1"];
        arguments.extend(encoder.map(Into::into));
        arguments.extend(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"].map(Into::into));
        arguments.extend(self.options.iter().cloned());
        let mut target = OsString::from("file:");
        target.push(path);
        arguments.push(target);
        program::feed("ffmpeg", arguments, self.pictures())
    }

    fn pictures(&self) -> impl Iterator<Item = Vec<u8>> + Send {
        let (strip, (width, height)) = (self.strip(), self.size);
        (0..self.frames).map(move |number| {
            let mut frame = vec![90_u8; (width * height) as usize];
            // A block that moves, so that no two frames are alike and B-frames have something to predict.
            let left = usize::from(number) * 4 % (width as usize - 32);
            for row in height - height / 4..height {
                let start = (row * width) as usize + left;
                frame[start..start + 32].fill(200);
            }
            strip.draw_grey(&mut frame, width, number);
            frame
        })
    }
}

impl Sound {
    fn source(self, seconds: f64) -> String {
        let expression = match self {
            Self::Silence => "0".to_owned(),
            Self::Beeps => format!("if(lt(mod(t,1),{}),0.5*sin(2*PI*{}*t),0)", BEEP.0, BEEP.1),
            Self::Tone(pitch) => format!("0.25*sin(2*PI*{pitch}*t)"),
        };
        format!("aevalsrc='{expression}':s={SAMPLE_RATE}:d={seconds}")
    }
}
