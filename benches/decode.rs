//! The baseline of whole-file analysis.

use std::path::Path;

use anyhow::Context;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

/// Decodes every packet of the default audio track with symphonia, on this thread, and does nothing with the samples.
/// Returns how many frames there were.
///
/// # Errors
/// Where the file cannot be read, or symphonia does not know what is in it.
pub fn bare_decode(path: &Path) -> anyhow::Result<u64> {
    let file = fs_err::File::open(path)?.into_file();
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let mut format = symphonia::default::get_probe().probe(
        &Hint::new(),
        stream,
        FormatOptions::default(),
        MetadataOptions::default(),
    )?;
    let track = format.default_track(TrackType::Audio).context("no audio track")?;
    let id = track.id;
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
        anyhow::bail!("an audio track of an unknown kind")
    };
    let mut decoder =
        symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default())?;
    let mut frames = 0;
    while let Some(packet) = format.next_packet()? {
        if packet.track_id != id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(decoded) => frames += decoded.frames() as u64,
            Err(Error::DecodeError(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(frames)
}
