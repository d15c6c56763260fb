//! Looks through a ggml model file before whisper.cpp does.
//!
//! whisper.cpp trusts the sizes it reads: a file cut off in its last tensor loads without a word, and garbage where a
//! length should be ends the process. Every length is therefore followed here first, without reading the weights.

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use crate::Error;

/// `ggml` read as a little-endian number: the first four bytes of the format.
const MAGIC: u32 = 0x6767_6d6c;
/// Vocabularies from this size on are multilingual, as whisper.cpp tells them.
const FIRST_MULTILINGUAL_VOCABULARY: u32 = 51_865;
/// No token of a vocabulary is longer, in bytes.
const LONGEST_TOKEN: u32 = 4_096;
/// Tensors outside of the layers: position embeddings, convolutions, norms, token embeddings.
const TENSORS_OUTSIDE_LAYERS: u64 = 11;
/// Tensors of one encoder layer.
const TENSORS_PER_AUDIO_LAYER: u64 = 15;
/// Tensors of one decoder layer.
const TENSORS_PER_TEXT_LAYER: u64 = 24;

/// The dimensions at the start of a model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelHeader {
    pub(crate) vocabulary: u32,
    pub(crate) audio_layers: u32,
    pub(crate) text_heads: u32,
    pub(crate) text_layers: u32,
}

impl ModelHeader {
    pub(crate) const fn is_multilingual(self) -> bool {
        self.vocabulary >= FIRST_MULTILINGUAL_VOCABULARY
    }
}

/// Reads the header of the model at `path` and follows its contents to the end.
pub(crate) fn check(path: &Path) -> Result<ModelHeader, Error> {
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::ModelMissing { path: path.to_owned() });
        }
        Err(error) => return Err(error.into()),
    };
    let damaged = |detail: &str| Error::ModelDamaged { path: path.to_owned(), detail: detail.to_owned() };
    if !file.metadata()?.is_file() {
        return Err(damaged("it is not a file"));
    }
    let length = file.metadata()?.len();
    let mut walk = Walk { reader: BufReader::new(file), length };
    match walk.model() {
        Ok(header) => Ok(header),
        Err(Fault::Shape(detail)) => Err(damaged(&detail)),
        Err(Fault::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(damaged(&format!("it ends too early, after {length} bytes")))
        }
        Err(Fault::Io(error)) => Err(error.into()),
    }
}

enum Fault {
    Shape(String),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Walk<R> {
    reader: R,
    length: u64,
}

impl<R: Read + Seek> Walk<R> {
    fn model(&mut self) -> Result<ModelHeader, Fault> {
        if self.number("magic number", MAGIC..=MAGIC).is_err() {
            return Err(Fault::Shape("it does not begin with the ggml magic number".to_owned()));
        }
        let vocabulary = self.number("vocabulary", 1..=200_000)?;
        self.number("audio context", 1..=100_000)?;
        self.number("audio state", 1..=100_000)?;
        self.number("audio heads", 1..=1_000)?;
        let audio_layers = self.number("audio layers", 1..=1_000)?;
        self.number("text context", 1..=100_000)?;
        self.number("text state", 1..=100_000)?;
        let text_heads = self.number("text heads", 1..=1_000)?;
        let text_layers = self.number("text layers", 1..=1_000)?;
        self.number("mel bands", 1..=1_000)?;
        self.number("weight type", 0..=100_000)?;

        let filter_bands = self.number("mel filters", 1..=1_000)?;
        let filter_bins = self.number("mel filter bins", 1..=10_000)?;
        self.skip(u64::from(filter_bands) * u64::from(filter_bins) * 4)?;
        for _ in 0..self.number("tokens", 0..=vocabulary)? {
            let token = self.number("token length", 0..=LONGEST_TOKEN)?;
            self.skip(u64::from(token))?;
        }

        let mut tensors = 0;
        while self.reader.stream_position()? < self.length {
            self.tensor()?;
            tensors += 1;
        }
        let expected = TENSORS_OUTSIDE_LAYERS
            + TENSORS_PER_AUDIO_LAYER * u64::from(audio_layers)
            + TENSORS_PER_TEXT_LAYER * u64::from(text_layers);
        if tensors != expected {
            return Err(Fault::Shape(format!("it holds {tensors} tensors of {expected}")));
        }
        Ok(ModelHeader { vocabulary, audio_layers, text_heads, text_layers })
    }

    fn tensor(&mut self) -> Result<(), Fault> {
        let dimensions = self.number("tensor dimensions", 1..=4)?;
        let name = self.number("tensor name", 1..=LONGEST_TOKEN)?;
        let kind = self.number("tensor type", 0..=100)?;
        let mut elements: u64 = 1;
        for _ in 0..dimensions {
            elements *= u64::from(self.number("tensor size", 1..=1_000_000)?);
            if elements > i32::MAX.unsigned_abs().into() {
                return Err(Fault::Shape(format!("a tensor has {elements} elements")));
            }
        }
        let (block, bytes) =
            block_of(kind).ok_or_else(|| Fault::Shape(format!("tensor type {kind} is unknown")))?;
        self.skip(u64::from(name) + elements / block * bytes)
    }

    fn number(&mut self, what: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        self.reader.read_exact(&mut bytes)?;
        let value = u32::from_le_bytes(bytes);
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(Fault::Shape(format!("{what} is {value}, not {} to {}", range.start(), range.end())))
        }
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        let to = self.reader.stream_position()? + bytes;
        if to > self.length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        // Unlike `seek`, this keeps what is buffered.
        self.reader.seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))?;
        Ok(())
    }
}

/// Elements and bytes of a block of tensor type `kind`, as `ggml.h` numbers them.
const fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn nano() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models/ggml-nano.en.bin")
    }

    fn check_bytes(bytes: &[u8]) -> Result<ModelHeader, Error> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs_err::write(file.path(), bytes).expect("written");
        check(file.path())
    }

    #[test]
    fn the_nano_model_is_whole() {
        let header = check(&nano()).expect("whole");
        assert_eq!(
            header,
            ModelHeader { vocabulary: 51_864, audio_layers: 4, text_heads: 3, text_layers: 3 }
        );
        assert!(!header.is_multilingual());
    }

    #[test]
    fn cut_files_are_told() {
        let whole = fs_err::read(nano()).expect("fixture");
        for length in [0, 3, 40, 1_000, 100_000, 3_000_000, whole.len() - 1] {
            let error = check_bytes(&whole[..length]).expect_err("cut");
            assert!(matches!(error, Error::ModelDamaged { .. }), "{length}: {error}");
        }
    }

    #[test]
    fn other_files_are_told() {
        let error = check_bytes(b"<!DOCTYPE html><title>Sign in</title>").expect_err("a page");
        assert!(error.to_string().contains("magic"), "{error}");
        assert!(matches!(check(Path::new("no/such/model.bin")), Err(Error::ModelMissing { .. })));
        assert!(check(Path::new(env!("CARGO_MANIFEST_DIR"))).is_err());
    }

    #[test]
    fn garbage_lengths_are_told() {
        let whole = fs_err::read(nano()).expect("fixture");
        for position in (0..70_000).step_by(997) {
            let mut bytes = whole.clone();
            bytes[position / 4 * 4..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
            // Some of these are weights of the filters or letters of a token, which may be anything.
            if let Err(error) = check_bytes(&bytes) {
                assert!(matches!(error, Error::ModelDamaged { .. }), "{position}: {error}");
            }
        }
    }
}
