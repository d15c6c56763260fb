//! Who of the watched is live: one request for 50 of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::channels::Naming;
use super::{BATCH, Category, Channel, KickApi};
use crate::error::{Failure, KickError};
use crate::slug::{folded, is_slug};

/// How many requests of one poll are under way at a time. Kick's limits are not published; ten a minute are harmless.
const AT_ONCE: usize = 4;
/// A name for which Kick refuses whole batches is left out of them this long.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// A streamer to look for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamerKey {
    /// The name in the address of the channel; case does not matter.
    pub slug: String,
    /// The number that stays when the channel is renamed. If absent it is learnt and used from then on.
    pub broadcaster_user_id: Option<u64>,
}

impl StreamerKey {
    /// Whoever has this slug.
    pub fn by_slug(slug: impl Into<String>) -> Self {
        Self { slug: slug.into(), broadcaster_user_id: None }
    }
}

/// What Kick says of a streamer.
#[derive(Debug, Clone)]
pub enum ChannelStatus {
    /// A broadcast is on.
    Live(Box<Live>),
    /// No broadcast is on.
    Offline,
    /// There is no channel of this name or number.
    NoSuchChannel,
    /// Kick could not be asked, or did not say. This is no sign of an end.
    Unknown(KickError),
}

/// A broadcast that is on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Live {
    /// When it began, if Kick says so. With the broadcaster it names the broadcast, and a short drop does not change it.
    pub started_at: Option<Timestamp>,
    /// The title.
    pub title: String,
    /// What it is about.
    pub category: Option<Category>,
    /// Language code, such as `en`; may be empty.
    pub language: String,
    /// How many watch. Absent when hidden or none.
    pub viewers: Option<u64>,
    /// The number of the broadcaster.
    pub broadcaster_user_id: Option<u64>,
}

/// What polls have taught.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// By folded slug.
    ids: HashMap<String, u64>,
    /// Names that made Kick refuse a request, and when.
    refused: HashMap<Naming, Instant>,
}

impl Known {
    /// The memory. It is never left half-changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How to ask for `key`: by number if it is known. None if there can be no such channel, for all that is known.
    fn naming(&self, key: &StreamerKey) -> Option<Naming> {
        let slug = folded(&key.slug);
        let memory = self.lock();
        let naming = match key.broadcaster_user_id.or_else(|| memory.ids.get(&slug).copied()) {
            Some(id) => Naming::Id(id),
            None if is_slug(&slug) => Naming::Slug(slug),
            None => return None,
        };
        let refused = memory.refused.get(&naming).is_some_and(|at| at.elapsed() < ASK_AGAIN_AFTER);
        (!refused).then_some(naming)
    }

    fn learn(&self, naming: &Naming, answer: &Answer) {
        let mut memory = self.lock();
        match (answer, naming) {
            (Answer::Found(channel), Naming::Slug(slug)) => {
                if let Some(id) = channel.broadcaster_user_id {
                    memory.ids.insert(slug.clone(), id);
                }
            }
            // The slug may belong to somebody else by now.
            (Answer::Absent | Answer::Refused, Naming::Id(id)) => memory.ids.retain(|_, known| known != id),
            _ => {}
        }
        if matches!(answer, Answer::Refused) {
            memory.refused.insert(naming.clone(), Instant::now());
        } else {
            memory.refused.remove(naming);
        }
    }
}

/// What became of one name of a batch.
#[derive(Debug)]
enum Answer {
    Found(Box<Channel>),
    Absent,
    /// Kick refuses a request with this name in it.
    Refused,
    Failed(KickError),
}

impl Answer {
    fn status(&self, base: &Url) -> ChannelStatus {
        let channel = match self {
            Self::Found(channel) => channel,
            Self::Absent | Self::Refused => return ChannelStatus::NoSuchChannel,
            Self::Failed(error) => return ChannelStatus::Unknown(error.clone()),
        };
        match channel.is_live {
            Some(true) => ChannelStatus::Live(Box::new(Live {
                started_at: channel.started_at,
                title: channel.title.clone(),
                category: channel.category.clone(),
                language: channel.language.clone(),
                viewers: channel.viewers,
                broadcaster_user_id: channel.broadcaster_user_id,
            })),
            Some(false) => ChannelStatus::Offline,
            None => ChannelStatus::Unknown(KickError::new(
                "channels",
                base,
                Failure::Malformed {
                    field: "stream.is_live",
                    expected: "true or false",
                    found: "absent or something else",
                },
            )),
        }
    }
}

impl KickApi {
    /// Who of `keys` is live: a result for each key, in their order, under the slug as it was given.
    ///
    /// There is one request for 50 streamers. A batch that fails leaves its own streamers unknown and no others. Should
    /// Kick refuse a batch because it does not know one of the names, they are asked one by one this once.
    pub async fn poll(&self, keys: &[StreamerKey]) -> Vec<(String, ChannelStatus)> {
        let namings: Vec<Option<Naming>> = keys.iter().map(|key| self.known.naming(key)).collect();
        // In the order of the keys, so that requests are the same from poll to poll.
        let mut seen = HashSet::new();
        let (ids, slugs): (Vec<Naming>, Vec<Naming>) = (namings.iter().flatten())
            .filter(|naming| seen.insert(*naming))
            .cloned()
            .partition(|naming| matches!(naming, Naming::Id(_)));
        let batches: Vec<&[Naming]> = ids.chunks(BATCH).chain(slugs.chunks(BATCH)).collect();
        let answers: HashMap<&Naming, Answer> = futures::stream::iter(batches)
            .map(|batch| self.ask_batch(batch))
            .buffer_unordered(AT_ONCE)
            .flat_map(futures::stream::iter)
            .collect()
            .await;
        for (naming, answer) in &answers {
            self.known.learn(naming, answer);
        }
        keys.iter()
            .zip(&namings)
            .map(|(key, naming)| {
                let answer = naming.as_ref().and_then(|naming| answers.get(naming));
                let status = answer.map_or(ChannelStatus::NoSuchChannel, |answer| answer.status(&self.base));
                (key.slug.clone(), status)
            })
            .collect()
    }

    async fn ask_batch<'a>(&self, batch: &'a [Naming]) -> Vec<(&'a Naming, Answer)> {
        match self.channels(batch).await {
            Err(error) if is_bad_request(&error) && batch.len() > 1 => {
                tracing::debug!(%error, names = batch.len(), "a batch is refused; its names are asked one by one");
                let mut answers = Vec::with_capacity(batch.len());
                for naming in batch.chunks(1) {
                    answers.extend(match_up(naming, &self.channels(naming).await));
                }
                answers
            }
            outcome => match_up(batch, &outcome),
        }
    }
}

fn match_up<'a>(batch: &'a [Naming], outcome: &Result<Vec<Channel>, KickError>) -> Vec<(&'a Naming, Answer)> {
    let answer = |naming: &Naming| match outcome {
        Ok(channels) => match channels.iter().find(|channel| naming.names(channel)) {
            Some(channel) => Answer::Found(Box::new(channel.clone())),
            None => Answer::Absent,
        },
        Err(error) if is_bad_request(error) => Answer::Refused,
        Err(error) => Answer::Failed(error.clone()),
    };
    batch.iter().map(|naming| (naming, answer(naming))).collect()
}

fn is_bad_request(error: &KickError) -> bool {
    matches!(error.failure(), Failure::Rejected { status: 400, .. })
}
