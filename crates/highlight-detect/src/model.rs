//! From a cell and the stream's past to the evidence that someone is reacting to something.

use serde::Deserialize;

use crate::baseline::Baseline;
use crate::cell::Cell;

/// How many numbers describe a cell.
pub const FEATURES: usize = 13;

/// A gate on the share of voiced frames: below, a cell has no voice whose pitch or colour could be compared. 0 to 1.
const VOICE_GATE: f32 = 0.35;

/// What a talking stream has, so that the model's bias is what it says of a typical one. 0 to 1.
const TYPICAL_PERIODICITY: f32 = 0.65;
const TYPICAL_ENTROPY: f32 = 0.65;

/// The numbers the scorer weighs, in the order of [`FEATURE_NAMES`].
pub(crate) type FeatureVector = [f32; FEATURES];

/// The names of the features, as in the model file.
///
/// * `level`, `voice_level`: K-weighted level and voice-band level against the stream's past, in its own spread.
/// * `pitch`, `brightness`: pitch and spectral centroid of voiced cells against voiced cells of the past.
/// * `voicing`: share of voiced frames. `crest`: level over voice level, in 10 dB. `modulation`: movement of the voice level, in 5 dB.
/// * `laughter_rate`: share of the envelope that moves at 3.5 to 6.5 Hz. `periodicity`, `entropy`: means, over
///   the typical 0.65 of each.
/// * `pitch_spread`: octaves. `orderliness`, `steadiness`: entropy (negated) and periodicity of voiced cells against their past.
pub const FEATURE_NAMES: [&str; FEATURES] = [
    "level",
    "voice_level",
    "pitch",
    "brightness",
    "voicing",
    "crest",
    "modulation",
    "laughter_rate",
    "periodicity",
    "entropy",
    "pitch_spread",
    "orderliness",
    "steadiness",
];

/// What the scorer's features say together, in the words of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Loudness,
    Pitch,
    Timbre,
    Voice,
    Dynamics,
    Laughter,
}

/// The group of each feature.
pub(crate) const FEATURE_GROUPS: [Group; FEATURES] = [
    Group::Loudness,
    Group::Loudness,
    Group::Pitch,
    Group::Timbre,
    Group::Voice,
    Group::Dynamics,
    Group::Dynamics,
    Group::Laughter,
    Group::Voice,
    Group::Timbre,
    Group::Pitch,
    Group::Timbre,
    Group::Voice,
];

/// The stream's own past, by which its present is judged.
#[derive(Clone, Debug)]
pub(crate) struct Normaliser {
    level: Baseline,
    voice_level: Baseline,
    pitch: Baseline,
    brightness: Baseline,
    entropy: Baseline,
    periodicity: Baseline,
}

impl Normaliser {
    pub(crate) fn new() -> Self {
        // Typical values and spreads of a talking streamer over a game, from reference streams at -26 dBFS; floors keep a
        // monotonous stream from calling every breath an outlier.
        Self {
            level: Baseline::new(-100.0, 0.5, 2.0, -35.0, 8.0),
            voice_level: Baseline::new(-100.0, 0.5, 2.0, -38.0, 10.0),
            pitch: Baseline::new(6.3, 1.0 / 64.0, 0.2, 7.13, 0.4),
            brightness: Baseline::new(0.0, 32.0, 200.0, 900.0, 400.0),
            entropy: Baseline::new(0.0, 1.0 / 256.0, 0.04, 0.65, 0.1),
            periodicity: Baseline::new(0.0, 1.0 / 256.0, 0.06, 0.65, 0.15),
        }
    }

    /// The features of `cell`, which then becomes part of the past.
    pub(crate) fn features(&mut self, cell: &Cell) -> FeatureVector {
        let has_voice = cell.voicing > VOICE_GATE;
        let of_voice = |value: f32| if has_voice { value } else { 0.0 };
        let features = [
            self.level.normalise(cell.level_db),
            self.voice_level.normalise(cell.voice_db),
            of_voice(self.pitch.normalise(cell.log2_pitch)),
            of_voice(self.brightness.normalise(cell.centroid_hz)),
            cell.voicing,
            ((cell.level_db - cell.voice_db) / 10.0).clamp(0.0, 2.5),
            (cell.modulation_db / 5.0).min(3.0),
            cell.laughter_rate,
            cell.periodicity - TYPICAL_PERIODICITY,
            cell.entropy - TYPICAL_ENTROPY,
            cell.pitch_spread.min(1.0),
            of_voice(-self.entropy.normalise(cell.entropy)),
            of_voice(self.periodicity.normalise(cell.periodicity)),
        ];
        self.level.push(cell.level_db);
        self.voice_level.push(cell.voice_db);
        if has_voice {
            self.pitch.push(cell.log2_pitch);
            self.brightness.push(cell.centroid_hz);
            self.entropy.push(cell.entropy);
            self.periodicity.push(cell.periodicity);
        }
        features
    }
}

/// A logistic scorer: weights in log-odds per unit of each feature.
#[derive(Clone, Debug)]
pub(crate) struct AudioModel {
    bias: f32,
    weights: FeatureVector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    bias: f32,
    weights: std::collections::BTreeMap<String, f32>,
}

impl AudioModel {
    /// The model in `data/audio-model.toml`.
    pub(crate) fn builtin() -> Self {
        Self::from_toml(include_str!("../data/audio-model.toml")).expect("the compiled-in model is tested")
    }

    fn from_toml(text: &str) -> Result<Self, String> {
        let file: ModelFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut weights = [0.0; FEATURES];
        for (name, weight) in &file.weights {
            let index = FEATURE_NAMES
                .iter()
                .position(|known| known == name)
                .ok_or(format!("no feature is called {name}"))?;
            weights[index] = *weight;
        }
        Ok(Self { bias: file.bias, weights })
    }

    /// The log-odds before any sound is heard.
    pub(crate) fn bias(&self) -> f32 {
        self.bias
    }

    /// What each feature adds to the log-odds.
    pub(crate) fn contributions(&self, features: &FeatureVector) -> FeatureVector {
        std::array::from_fn(|index| self.weights[index] * features[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_model_weighs_something() {
        let model = AudioModel::builtin();
        assert!(model.bias < 0.0, "a moment is rare");
        assert!(model.weights.iter().any(|weight| *weight != 0.0));
    }

    #[test]
    fn an_unknown_feature_is_named() {
        let error = AudioModel::from_toml("bias = 0.0\n[weights]\nloudnes = 1.0").expect_err("misspelt");
        assert!(error.contains("loudnes"), "{error}");
    }
}
