//! Chat as a signal: how many different people write at once, against how many usually do.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use timeline::MediaTime;

/// One chat message, placed on the media timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// When it was written.
    pub at: MediaTime,
    /// Who wrote it. Only told apart, never shown.
    pub user: String,
    /// What was written.
    pub text: String,
}

/// Window in which different people are counted, in seconds: chat answers a moment within it.
pub(crate) const WINDOW_S: usize = 10;
/// What is usual is taken over this long, in seconds.
const PAST_S: usize = 600;
/// Past that is needed before a rise means anything, in seconds.
pub(crate) const WARM_UP_S: usize = 60;
/// Turns a median absolute deviation into the standard deviation of a normal distribution.
const MAD_TO_SIGMA: f32 = 1.4826;
/// Names of common chat bots, lower case: what they write is no reaction.
const BOTS: [&str; 8] =
    ["botrix", "nightbot", "streamelements", "streamlabs", "kicbot", "fossabot", "moobot", "wizebot"];

/// Counts different chatters second by second.
#[derive(Debug, Default)]
pub(crate) struct ChatTrack {
    /// Messages not yet due: (second, hash of the user).
    waiting: VecDeque<(i64, u64)>,
    /// The users of the last [`WINDOW_S`] seconds.
    window: VecDeque<Vec<u64>>,
    /// Different chatters in the window that ends with each of the last seconds.
    counts: VecDeque<u16>,
    /// The rise at each of the last seconds.
    rises: VecDeque<f32>,
    /// The second after the last one counted.
    next_second: Option<i64>,
    heard: bool,
}

/// Seconds of rises that are kept: the longest moment, its lag and the wait before it is settled.
const KEPT_RISES: usize = 240;

impl ChatTrack {
    /// Takes a message; commands and bots are ignored.
    pub(crate) fn push(&mut self, message: &ChatMessage) {
        let user = message.user.to_lowercase();
        if message.text.trim_start().starts_with('!') || BOTS.contains(&user.as_str()) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        let second = message.at.to_units_floor(1);
        let position = self.waiting.partition_point(|(earlier, _)| *earlier <= second);
        self.waiting.insert(position, (second, hasher.finish()));
    }

    /// Counts all seconds before `second`.
    pub(crate) fn advance(&mut self, second: i64) {
        let first = *self.next_second.get_or_insert(second.min(0));
        // A jump of the timeline longer than the past is no quiet chat.
        let first = if second - first > PAST_S as i64 { second - WINDOW_S as i64 } else { first };
        for now in first..second {
            self.count(now);
        }
        self.next_second = Some(first.max(second));
    }

    fn count(&mut self, now: i64) {
        let mut users = Vec::new();
        while self.waiting.front().is_some_and(|(second, _)| *second <= now) {
            users.extend(self.waiting.pop_front().map(|(_, user)| user));
            self.heard = true;
        }
        if self.window.len() == WINDOW_S {
            self.window.pop_front();
        }
        self.window.push_back(users);
        let mut distinct: Vec<u64> = self.window.iter().flatten().copied().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let count = u16::try_from(distinct.len()).unwrap_or(u16::MAX);
        let rise = self.rise_of(count);
        if self.counts.len() == PAST_S {
            self.counts.pop_front();
        }
        self.counts.push_back(count);
        if self.rises.len() == KEPT_RISES {
            self.rises.pop_front();
        }
        self.rises.push_back(rise);
    }

    /// `(u - median) / (1.4826 MAD + sqrt(median) + 1)` over the past: counts scatter more than by chance, and small
    /// channels must not alarm at three messages.
    fn rise_of(&self, count: u16) -> f32 {
        if self.counts.len() < WARM_UP_S {
            return 0.0;
        }
        let mut past: Vec<u16> = self.counts.iter().copied().collect();
        let median = median(&mut past);
        let mut deviations: Vec<u16> = self.counts.iter().map(|value| value.abs_diff(median)).collect();
        let deviation = f32::from(self::median(&mut deviations));
        let usual = f32::from(median);
        (f32::from(count) - usual) / (MAD_TO_SIGMA * deviation + usual.sqrt() + 1.0)
    }

    /// The highest rise in the seconds `from..until`, with its second; `None` without chat in that time.
    pub(crate) fn highest_rise(&self, from: i64, until: i64) -> Option<(i64, f32)> {
        if !self.heard {
            return None;
        }
        let first = self.next_second? - self.rises.len() as i64;
        (first..)
            .zip(&self.rises)
            .filter(|(second, _)| (from..until).contains(second))
            .map(|(second, rise)| (second, *rise))
            .max_by(|one, two| one.1.total_cmp(&two.1))
    }

    /// The rise at `second`, zero where unknown.
    pub(crate) fn rise_at(&self, second: i64) -> f32 {
        self.highest_rise(second, second + 1).map_or(0.0, |(_, rise)| rise)
    }
}

fn median(values: &mut [u16]) -> u16 {
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(second: i64, user: &str, text: &str) -> ChatMessage {
        ChatMessage { at: MediaTime::from_secs(second), user: user.to_owned(), text: text.to_owned() }
    }

    fn quiet_chat() -> ChatTrack {
        let mut chat = ChatTrack::default();
        for second in (0..200).step_by(5) {
            chat.push(&message(second, &format!("regular{}", second % 3), "hi"));
        }
        chat
    }

    #[test]
    fn many_people_are_a_rise_and_one_spammer_is_none() {
        let mut chat = quiet_chat();
        for index in 0..20 {
            chat.push(&message(150, &format!("viewer{index}"), "WHAT"));
            chat.push(&message(100, "spammer", "buy"));
            chat.push(&message(120, &format!("caller{index}"), "!drop"));
        }
        chat.advance(200);
        assert!(chat.highest_rise(145, 165).expect("chat").1 > 5.0);
        assert!(chat.highest_rise(95, 135).expect("chat").1 < 1.5);
    }

    #[test]
    fn order_of_arrival_does_not_matter() {
        let (mut one, mut two) = (ChatTrack::default(), ChatTrack::default());
        let messages: Vec<ChatMessage> =
            (0..300).map(|index| message((index * 37) % 150, &format!("user{index}"), "x")).collect();
        messages.iter().for_each(|message| one.push(message));
        messages.iter().rev().for_each(|message| two.push(message));
        (0..150).for_each(|second| one.advance(second));
        two.advance(149);
        assert_eq!(one.rises, two.rises);
    }
}
