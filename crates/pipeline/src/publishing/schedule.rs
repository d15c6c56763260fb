//! When an account may be posted to, by the user's rules.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Posts are counted over this time, whatever the calendar says.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// One rule can push past another; more rounds than this would mean that they never agree.
const MOST_ROUNDS: usize = 64;

/// The rules of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// At most this many posts in any 24 hours; `None` for no limit.
    pub posts_per_day: Option<u32>,
    /// At least this much time between two posts.
    pub spacing: SignedDuration,
    /// Only at these hours; at any if empty.
    pub hours: Vec<Hours>,
    /// The time zone of the hours.
    pub time_zone: TimeZone,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            posts_per_day: None,
            spacing: SignedDuration::ZERO,
            hours: Vec::new(),
            time_zone: TimeZone::UTC,
        }
    }
}

/// Hours of a day, from one time up to another, which may be past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
}

/// A text tells no hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a span of hours such as \"18:00-23:30\"")]
pub struct HoursError(String);

impl FromStr for Hours {
    type Err = HoursError;
    fn from_str(text: &str) -> Result<Self, HoursError> {
        let refuse = || HoursError(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(refuse)?;
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':').ok_or_else(refuse)?;
            let digits = |text: &str| {
                let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
                if plain { text.parse::<i8>().map_err(|_| refuse()) } else { Err(refuse()) }
            };
            match (digits(hour)?, digits(minute)?) {
                // The end of a day is the beginning of the next.
                (24, 0) => Ok(Time::midnight()),
                (hour, minute) => Time::new(hour, minute, 0, 0).map_err(|_| refuse()),
            }
        };
        Ok(Self { from: time(from)?, to: time(to)? })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

impl Hours {
    /// Equal ends mean the whole day.
    fn contains(self, time: Time) -> bool {
        match self.from.cmp(&self.to) {
            std::cmp::Ordering::Less => (self.from..self.to).contains(&time),
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Greater => time >= self.from || time < self.to,
        }
    }
}

/// Nothing goes to an account for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which rule, or which trouble.
    pub why: String,
    /// From when on something may go again, if that is known.
    pub until: Option<Timestamp>,
}

impl Schedule {
    /// Whether a post may be begun `now`, after those that were begun at `posts`.
    ///
    /// # Errors
    /// The first rule that is in the way, and the time at which none is.
    pub fn check(&self, now: Timestamp, posts: &[Timestamp]) -> Result<(), Hold> {
        let mut at = now;
        let mut first = None;
        for _ in 0..MOST_ROUNDS {
            let Some((later, why)) = self.obstacle(at, posts) else {
                return first.map_or(Ok(()), |why| Err(Hold { why, until: Some(at) }));
            };
            first.get_or_insert(why);
            at = later;
        }
        Err(Hold { why: first.unwrap_or_default(), until: None })
    }

    /// A rule that is in the way at a time, and until when.
    fn obstacle(&self, at: Timestamp, posts: &[Timestamp]) -> Option<(Timestamp, String)> {
        if let Some(limit) = self.posts_per_day {
            let mut counted: Vec<Timestamp> =
                posts.iter().copied().filter(|post| at.duration_since(*post) < DAY).collect();
            counted.sort_unstable();
            let limit = limit as usize;
            if counted.len() >= limit {
                // Room is there when all but the newest few of them are a day old.
                let last = counted.get(counted.len() - limit).copied().unwrap_or(at);
                return Some((plus(last, DAY), format!("{limit} posts in 24 hours are reached")));
            }
        }
        if let Some(last) = posts.iter().max() {
            let free = plus(*last, self.spacing);
            if free > at {
                return Some((free, format!("posts are {} s apart at least", self.spacing.as_secs())));
            }
        }
        let local = at.to_zoned_datetime(self.time_zone.clone());
        if self.hours.is_empty() || self.hours.iter().any(|hours| hours.contains(local.time())) {
            return None;
        }
        let list: Vec<String> = self.hours.iter().map(ToString::to_string).collect();
        let opening = self.opening(at)?;
        Some((opening, format!("posts go out at {} only", list.join(", "))))
    }

    /// When one of the hours begins next.
    fn opening(&self, at: Timestamp) -> Option<Timestamp> {
        let today = at.to_zoned_datetime(self.time_zone.clone()).date();
        let dates =
            [Some(today), today.tomorrow().ok(), today.tomorrow().and_then(jiff::civil::Date::tomorrow).ok()];
        dates
            .into_iter()
            .flatten()
            .flat_map(|date| self.hours.iter().map(move |hours| date.to_datetime(hours.from)))
            // A time that the clocks skip is taken to be as much later.
            .filter_map(|opening| self.time_zone.to_ambiguous_timestamp(opening).compatible().ok())
            .filter(|opening| *opening > at)
            .min()
    }
}

fn plus(at: Timestamp, more: SignedDuration) -> Timestamp {
    at.checked_add(more).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn until(schedule: &Schedule, now: &str, posts: &[&str]) -> Option<(String, String)> {
        let posts: Vec<Timestamp> = posts.iter().map(|post| at(post)).collect();
        let hold = schedule.check(at(now), &posts).err()?;
        Some((hold.until.unwrap().to_string(), hold.why))
    }

    fn told(until: &str, why: &str) -> (String, String) {
        (until.to_owned(), why.to_owned())
    }

    #[test]
    fn the_day_is_a_sliding_one() {
        let schedule = Schedule { posts_per_day: Some(2), ..Schedule::default() };
        let posts = ["2026-11-27T09:00:00Z", "2026-11-28T08:00:00Z", "2026-11-28T09:30:00Z"];
        assert_eq!(until(&schedule, "2026-11-28T08:59:00Z", &posts[..1]), None);
        assert_eq!(
            until(&schedule, "2026-11-28T10:00:00Z", &posts),
            Some(told("2026-11-29T08:00:00Z", "2 posts in 24 hours are reached"))
        );
        assert_eq!(until(&schedule, "2026-11-29T08:00:00Z", &posts), None);
    }

    #[test]
    fn spacing_counts_from_the_last_post() {
        let schedule = Schedule { spacing: SignedDuration::from_mins(30), ..Schedule::default() };
        let posts = ["2026-11-28T10:00:00Z", "2026-11-28T09:00:00Z"];
        assert_eq!(
            until(&schedule, "2026-11-28T10:10:00Z", &posts),
            Some(told("2026-11-28T10:30:00Z", "posts are 1800 s apart at least"))
        );
        assert_eq!(until(&schedule, "2026-11-28T10:30:00Z", &posts), None);
    }

    #[test]
    fn hours_are_those_of_the_time_zone_and_may_pass_midnight() {
        let schedule = Schedule {
            hours: vec!["18:00-23:00".parse().unwrap(), "23:30-01:00".parse().unwrap()],
            time_zone: TimeZone::get("America/Lima").unwrap(),
            ..Schedule::default()
        };
        // Lima is five hours behind.
        let why = "posts go out at 18:00-23:00, 23:30-01:00 only";
        assert_eq!(until(&schedule, "2026-11-28T22:00:00Z", &[]), Some(told("2026-11-28T23:00:00Z", why)));
        assert_eq!(until(&schedule, "2026-11-28T23:00:00Z", &[]), None);
        assert_eq!(until(&schedule, "2026-11-29T04:10:00Z", &[]), Some(told("2026-11-29T04:30:00Z", why)));
        assert_eq!(until(&schedule, "2026-11-29T05:59:00Z", &[]), None);
        assert_eq!(until(&schedule, "2026-11-29T06:00:00Z", &[]), Some(told("2026-11-29T23:00:00Z", why)));
    }

    #[test]
    fn a_time_that_the_clocks_skip_comes_later() {
        let schedule = Schedule {
            hours: vec!["02:30-04:00".parse().unwrap()],
            time_zone: TimeZone::get("Europe/Berlin").unwrap(),
            ..Schedule::default()
        };
        // At 02:00 of that night the clocks go to 03:00: the hours begin at what is called 03:30.
        let (opening, _) = until(&schedule, "2027-03-28T00:30:00Z", &[]).unwrap();
        assert_eq!(opening, "2027-03-28T01:00:00Z".replace("01:00:00", "01:30:00"));
    }

    #[test]
    fn hours_are_read_strictly() {
        for text in ["", "18-23", "18:00", "25:00-26:00", "18:60-19:00", "+8:00-9:00", "18:00-23:00-24:00"] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
        assert_eq!("8:05 - 24:00".parse::<Hours>().unwrap().to_string(), "08:05-00:00");
    }

    proptest! {
        /// Whatever the rules, what is promised to be free is free, and nothing before it on the same minute grid is.
        #[test]
        fn the_promised_time_is_free(
            now in 0_i64..10_000_000,
            posts in proptest::collection::vec(-200_000_i64..0, 0..12),
            per_day in proptest::option::of(1_u32..6),
            spacing in 0_i64..20_000,
            windows in proptest::collection::vec((0_i8..24, 0_i8..24), 0..3),
        ) {
            let start = at("2026-03-01T00:00:00Z").as_second() + now;
            let now = Timestamp::from_second(start).unwrap();
            let posts: Vec<_> = posts.iter().map(|ago| Timestamp::from_second(start + ago).unwrap()).collect();
            let schedule = Schedule {
                posts_per_day: per_day,
                spacing: SignedDuration::from_secs(spacing),
                hours: windows.iter().map(|(from, to)| format!("{from}:00-{to}:00").parse().unwrap()).collect(),
                time_zone: TimeZone::get("Europe/Berlin").unwrap(),
            };
            if let Err(hold) = schedule.check(now, &posts) {
                let until = hold.until.expect("a time");
                prop_assert!(until > now);
                prop_assert_eq!(schedule.check(until, &posts), Ok(()));
                let middle = Timestamp::from_second((now.as_second() + until.as_second()) / 2).unwrap();
                if middle < until {
                    // Waiting longer never moves the promise.
                    prop_assert_eq!(schedule.check(middle, &posts).map_err(|hold| hold.until), Err(Some(until)));
                }
            }
        }
    }
}
