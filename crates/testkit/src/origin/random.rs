//! Scripts drawn from a seed.

use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use timeline::MediaDuration;

use super::fault::{Fault, FaultScript};

/// Segments without a fault before the first, so that a client has begun.
const BEFORE: u64 = 5;
/// Segments without a fault between two at the least, so that each can be told from the next.
const APART: u64 = 4;
/// How far timestamps jump at most, in seconds either way.
const JUMP_S: i64 = 40_000;

/// How far clocks are set at most, in seconds either way: more than the hour that daylight saving moves them.
const CLOCK_STEP_S: i64 = 5_000;

/// How much goes wrong in a script that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mix {
    /// Segments of the stream.
    pub segments: u64,
    /// Segments between faults at the mean, at least 4 of them always.
    pub mean_apart: u64,
    /// Segments in the live list: a playlist that cannot be read is so for at most half of them.
    pub window: u64,
}

impl Mix {
    /// A fault every 12 segments or so.
    #[must_use]
    pub const fn new(segments: u64, window: u64) -> Self {
        Self { segments, mean_apart: 12, window }
    }

    /// Another distance of faults.
    #[must_use]
    pub const fn mean_apart(mut self, segments: u64) -> Self {
        self.mean_apart = segments;
        self
    }
}

impl FaultScript {
    /// Faults of every kind but [`Fault::EndWithoutEndlist`], in an order and at places drawn from the seed. As long as
    /// the stream has room, each kind comes once before any comes again.
    pub fn random(seed: u64, mix: Mix) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut script = Self::new();
        let mut kinds = Vec::new();
        let mut next = BEFORE;
        loop {
            next += random.random_range(0..=mix.mean_apart.saturating_sub(APART) * 2);
            if kinds.is_empty() {
                kinds = KINDS.to_vec();
                kinds.shuffle(&mut random);
            }
            let Some(kind) = kinds.pop() else { return script };
            let (length, fault) = kind(&mut random, mix.window.max(2));
            let segments: Range<u64> = next..next + length;
            if segments.end + APART > mix.segments {
                return script;
            }
            next = segments.end + APART;
            script = script.at(segments, fault);
        }
    }
}

type Kind = fn(&mut StdRng, u64) -> (u64, Fault);

const KINDS: [Kind; 23] = [
    |random, _| (random.random_range(1..=3), Fault::NotFound { times: None }),
    |random, _| (random.random_range(1..=3), Fault::NotFound { times: Some(once_or_twice(random)) }),
    |_, _| (1, Fault::ServerError { times: None }),
    |random, _| (random.random_range(1..=3), Fault::ServerError { times: Some(once_or_twice(random)) }),
    |random, _| (1, Fault::Slow { bytes_per_s: random.random_range(200_000..=800_000) }),
    |random, _| (1, Fault::CutBody { fraction: random.random_range(0.0..0.99), times: None }),
    |random, _| {
        (2, Fault::CutBody { fraction: random.random_range(0.0..0.99), times: Some(once_or_twice(random)) })
    },
    |_, _| (2, Fault::WrongContentType),
    |_, _| (1, Fault::HtmlSegment { times: None }),
    |_, _| (1, Fault::GzipBomb { times: None }),
    |random, _| (1, Fault::HugeSegment { announced: random.random(), times: None }),
    |_, _| (1, Fault::Redirect { to: "file:///etc/passwd".into(), times: None }),
    |random, window| (brief(random, window), Fault::Stall),
    |random, _| (1, Fault::PlaylistGoesBack { by: random.random_range(1..=3) }),
    |random, window| (brief(random, window), Fault::PlaylistStatus(503)),
    |random, window| (brief(random, window), Fault::HtmlPlaylist),
    |_, _| (1, Fault::PlaylistLoop),
    |_, _| (1, Fault::PlaylistBomb),
    |random, _| (random.random_range(1..=2), Fault::DuplicateSegments),
    |_, _| (1, Fault::SequenceReset),
    |random, _| {
        let seconds = random.random_range(-JUMP_S..=JUMP_S);
        (1, Fault::Discontinuity { pts_jump: MediaDuration::from_secs(seconds) })
    },
    |random, _| {
        let seconds = random.random_range(-CLOCK_STEP_S..=CLOCK_STEP_S);
        (1, Fault::ClockStep { by: MediaDuration::from_secs(seconds) })
    },
    |random, _| (1, if random.random() { Fault::RotatedUrls } else { Fault::TokenExpiry }),
];

fn once_or_twice(random: &mut StdRng) -> u32 {
    random.random_range(1..=2)
}

/// No longer than half a list, so that nothing falls out of it unseen.
fn brief(random: &mut StdRng, window: u64) -> u64 {
    random.random_range(1..=(window / 2).min(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_script_of_every_kind() {
        let mix = Mix::new(1800, 15);
        let script = FaultScript::random(7, mix);
        assert_eq!(script, FaultScript::random(7, mix));
        assert_ne!(script, FaultScript::random(8, mix));
        assert!(script.faults().len() > 2 * KINDS.len(), "{} faults", script.faults().len());
        for pair in script.faults().windows(2) {
            assert!(pair[0].segments.end + APART <= pair[1].segments.start);
        }
        for kind in [Fault::Stall, Fault::SequenceReset, Fault::WrongContentType, Fault::PlaylistBomb] {
            assert!(script.faults().iter().any(|scripted| scripted.fault == kind), "{kind:?} is missing");
        }
    }
}
