//! The queue as commands see it: what is in it, putting in, pausing, dropping.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use publish::{PostKey, Standing, Target};
use sqlx::{Sqlite, Transaction};
use timeline::ClipId;

use super::claim::{Claim, is_alive};
use super::clock::Clock;
use super::journal::RowJournal;
use super::record::{NewPublication, Publication, PublicationState};
use super::rows::{self, Change, Held, RowError};
use super::schedule::{Hold, Schedule};
use crate::Error;
use crate::catalogue::Catalogue;
use crate::lock::Turn;
use crate::process::{DATABASE, made};

/// Posts are looked back at for this long: longer than any rule counts.
const MEMORY: SignedDuration = SignedDuration::from_hours(48);
/// Why something waits that nothing is in the way of.
const UNSENT: &str = "it goes with `streamliner monitor` or `streamliner queue run`";
/// The folder of claims, in the folder of locks.
const CLAIMS: &str = "claims";
/// The fewest characters that name a publication by the beginning of its key.
const SHORTEST_KEY: usize = 4;

/// The queue of one data folder. Cheap to clone; several processes may have one open.
#[derive(Clone, Debug)]
pub struct Queue {
    catalogue: Catalogue,
    clock: Clock,
    claims: PathBuf,
}

/// Why a publication of the queue cannot be changed so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// There is none of that name.
    #[error("no publication is called {0:?}; `streamliner queue` lists them")]
    NotFound(String),
    /// There are several.
    #[error("{count} publications are meant by {text:?}; give more of the key")]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// How many there are.
        count: usize,
    },
    /// It stands otherwise.
    #[error("{name} is {state}, so it cannot be {action}")]
    State {
        /// What people call it.
        name: String,
        /// How it stands.
        state: PublicationState,
        /// What was asked for.
        action: &'static str,
    },
    /// The database or the data folder fails.
    #[error(transparent)]
    Other(#[from] Error),
}

/// What came of putting a publication into the queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    /// It is new.
    New,
    /// It was there, and stands like this.
    Known(Box<Publication>),
}

/// What may be done for a target now.
#[derive(Debug)]
pub(super) enum Next {
    /// This publication, which is claimed.
    Send(Box<Claimed>),
    /// Nothing; something from this time on, where one is known.
    Nothing(Option<Timestamp>),
}

/// What came of claiming one publication.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is claimed.
    Claimed(Box<Claimed>),
    /// It stands like this, and cannot go yet.
    Held(PublicationState, Hold),
}

/// A publication that this process has claimed.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) publication: Publication,
    pub(super) journal: RowJournal,
    pub(super) claim: Claim,
}

/// The target of the hold on everything.
fn everywhere() -> Target {
    Target { platform: String::new(), account: String::new() }
}

impl Queue {
    /// Opens the queue of a data folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error`] where the folder or the database cannot be used.
    pub async fn open(data_dir: &Path, clock: Clock) -> Result<Self, Error> {
        let data_dir = made(data_dir)?;
        let locks = made(&data_dir.join("locks"))?;
        let claims = made(&locks.join(CLAIMS))?;
        let _turn = Turn::wait_for(locks.join("database.lock")).await?;
        let catalogue = Catalogue::open(&data_dir.join(DATABASE)).await?;
        Ok(Self { catalogue, clock, claims })
    }

    /// Whether there is a queue in this data folder, so that looking at it need not make one.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        data_dir.join(DATABASE).is_file()
    }

    /// Closes the database, which writes its journal back.
    pub async fn close(&self) {
        self.catalogue.close().await;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn begin(&self) -> Result<Transaction<'_, Sqlite>, Error> {
        self.catalogue.pool().begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())
    }

    fn failed(&self) -> impl Fn(sqlx::Error) -> Error + '_ {
        |error| RowError::from(error).at(self.catalogue.path())
    }

    fn unreadable(&self) -> impl Fn(RowError) -> Error + '_ {
        |error| error.at(self.catalogue.path())
    }

    /// Puts a publication into the queue, unless it is there.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn add(&self, new: &NewPublication) -> Result<Added, Error> {
        let mut transaction = self.begin().await?;
        let added = rows::insert(&mut transaction, new, self.now()).await.map_err(self.failed())?;
        let known = rows::one(&mut transaction, new.key()).await.map_err(self.unreadable())?;
        transaction.commit().await.map_err(self.failed())?;
        match known {
            Some(known) if !added => Ok(Added::Known(Box::new(self.as_seen(known)?))),
            _ => Ok(Added::New),
        }
    }

    /// Begins a publication anew with an empty journal, though the platform may have it: for who wants it twice.
    ///
    /// # Errors
    /// [`QueueError::State`] while a process is sending it.
    pub async fn begin_again(&self, new: &NewPublication) -> Result<(), QueueError> {
        let mut transaction = self.begin().await?;
        if let Some(known) = rows::one(&mut transaction, new.key()).await.map_err(self.unreadable())? {
            let known = self.as_seen(known)?;
            if known.state == PublicationState::Running {
                return Err(QueueError::State {
                    name: known.name,
                    state: known.state,
                    action: "sent again now",
                });
            }
        }
        rows::begin_round(&mut transaction, new, self.now()).await.map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())?;
        Ok(())
    }

    /// One publication as it stands now.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn get(&self, key: PostKey) -> Result<Option<Publication>, Error> {
        let mut connection = self.catalogue.pool().acquire().await.map_err(self.failed())?;
        let found = rows::one(&mut connection, key).await.map_err(self.unreadable())?;
        found.map(|found| self.as_seen(found)).transpose()
    }

    /// All publications, oldest first. Of those that wait, `why` and `not_before` tell what for, also where that holds for the
    /// whole account.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn list(&self) -> Result<Vec<Publication>, Error> {
        let mut connection = self.catalogue.pool().acquire().await.map_err(self.failed())?;
        let mut all = rows::all(&mut connection).await.map_err(self.unreadable())?;
        let paused = rows::hold(&mut connection, &everywhere()).await.map_err(self.failed())?;
        let now = self.now();
        for publication in &mut all {
            *publication = self.as_seen(publication.clone())?;
            if publication.state != PublicationState::Waiting {
                continue;
            }
            let of_account = rows::hold(&mut connection, &publication.target).await.map_err(self.failed())?;
            let of_account = of_account.filter(|held| held.hold.until.is_none_or(|until| until > now));
            if let Some(Held { hold, .. }) = paused.clone().or(of_account) {
                publication.why = Some(hold.why);
                publication.not_before = publication.not_before.max(hold.until);
            }
            publication.why.get_or_insert_with(|| UNSENT.to_owned());
        }
        Ok(all)
    }

    /// The publications that a text means: a key or its beginning, or the name of a clip.
    ///
    /// # Errors
    /// [`QueueError::NotFound`] if there is none, [`QueueError::Ambiguous`] if a part of a key could be several.
    pub async fn find(&self, text: &str) -> Result<Vec<PostKey>, QueueError> {
        let all = self.list().await?;
        let named: Vec<PostKey> = all.iter().filter(|one| one.name == text).map(|one| one.key).collect();
        if !named.is_empty() {
            // A clip that goes to several places is meant everywhere.
            return Ok(named);
        }
        let begins = |one: &&Publication| {
            text.len() >= SHORTEST_KEY && one.key.to_string().starts_with(&text.to_ascii_lowercase())
        };
        let keys: Vec<PostKey> = all.iter().filter(begins).map(|one| one.key).collect();
        match keys.len() {
            0 => Err(QueueError::NotFound(text.to_owned())),
            1 => Ok(keys),
            count => Err(QueueError::Ambiguous { text: text.to_owned(), count }),
        }
    }

    /// Lets nothing go out until [`Queue::resume_all`].
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn pause_all(&self) -> Result<(), Error> {
        let why = "the queue is paused: `streamliner queue resume`".to_owned();
        let held = Held { hold: Hold { why, until: None }, is_rule: false };
        self.set_hold(&everywhere(), Some(&held)).await
    }

    /// Lets publications go out again. Those that were paused one by one stay so.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn resume_all(&self) -> Result<(), Error> {
        self.set_hold(&everywhere(), None).await
    }

    /// Whether the queue is paused as a whole.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn is_paused(&self) -> Result<bool, Error> {
        let mut connection = self.catalogue.pool().acquire().await.map_err(self.failed())?;
        Ok(rows::hold(&mut connection, &everywhere()).await.map_err(self.failed())?.is_some())
    }

    /// Forgets why nothing went to the accounts of a platform, after somebody mended it.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn clear_holds(&self, platform: &str) -> Result<(), Error> {
        let mut connection = self.catalogue.pool().acquire().await.map_err(self.failed())?;
        rows::clear_holds(&mut connection, platform).await.map_err(self.failed())
    }

    async fn set_hold(&self, target: &Target, held: Option<&Held>) -> Result<(), Error> {
        let mut connection = self.catalogue.pool().acquire().await.map_err(self.failed())?;
        rows::set_hold(&mut connection, target, held).await.map_err(self.failed())
    }

    /// Makes a publication wait for a person's word.
    ///
    /// # Errors
    /// [`QueueError::State`] if it does not wait.
    pub async fn pause(&self, key: PostKey) -> Result<(), QueueError> {
        self.turn_into(key, "paused", |known| match known.state {
            PublicationState::Waiting => {
                Some((PublicationState::Paused, Some("it was paused: `streamliner queue resume`")))
            }
            _ => None,
        })
        .await
    }

    /// Gives the word.
    ///
    /// # Errors
    /// [`QueueError::State`] if it is not paused.
    pub async fn resume(&self, key: PostKey) -> Result<(), QueueError> {
        self.turn_into(key, "resumed", |known| match known.state {
            PublicationState::Paused => Some((PublicationState::Waiting, None)),
            _ => None,
        })
        .await
    }

    /// Lets it never go out.
    ///
    /// # Errors
    /// [`QueueError::State`] if it is being sent or was.
    pub async fn discard(&self, key: PostKey) -> Result<(), QueueError> {
        self.turn_into(key, "dropped", |known| match known.state {
            PublicationState::Waiting
            | PublicationState::Paused
            | PublicationState::Failed
            | PublicationState::Refused
            | PublicationState::Unknown => Some((PublicationState::Dropped, Some("it was dropped"))),
            _ => None,
        })
        .await
    }

    /// Lets one that ended badly, or was dropped, wait for its turn again, without a time when it is too late. Its journal stays: what may have been posted is asked about first.
    ///
    /// # Errors
    /// [`QueueError::State`] if it is on its way or there.
    pub async fn retry(&self, key: PostKey) -> Result<(), QueueError> {
        self.turn_into(key, "retried", |known| match known.state {
            PublicationState::Failed
            | PublicationState::Refused
            | PublicationState::Unknown
            | PublicationState::Dropped
            | PublicationState::Waiting => Some((PublicationState::Waiting, None)),
            _ => None,
        })
        .await
    }

    async fn turn_into(
        &self,
        key: PostKey,
        action: &'static str,
        change: impl FnOnce(&Publication) -> Option<(PublicationState, Option<&'static str>)>,
    ) -> Result<(), QueueError> {
        let mut transaction = self.begin().await?;
        let known = rows::one(&mut transaction, key).await.map_err(self.unreadable())?;
        let known = known.ok_or_else(|| QueueError::NotFound(key.to_string()))?;
        let known = self.as_seen(known)?;
        let Some((state, why)) = change(&known) else {
            return Err(QueueError::State { name: known.name, state: known.state, action });
        };
        let retried = action == "retried";
        let change = Change {
            state,
            why,
            claim: None,
            attempts: if retried { 0 } else { known.attempts },
            not_before: if retried { None } else { known.not_before },
            expires_at: if retried { None } else { known.expires_at },
            result: known.result.as_ref(),
        };
        rows::update(&mut transaction, key, &change, self.now()).await.map_err(self.unreadable())?;
        transaction.commit().await.map_err(self.failed())?;
        Ok(())
    }

    /// The clips that have to stay because they are still to be sent.
    pub(crate) async fn needed_clips(catalogue: &Catalogue) -> Result<HashSet<ClipId>, Error> {
        let path = catalogue.path();
        let failed = |error: sqlx::Error| RowError::from(error).at(path);
        let mut connection = catalogue.pool().acquire().await.map_err(failed)?;
        let all = rows::all(&mut connection).await.map_err(|error| error.at(path))?;
        Ok(all.into_iter().filter(|one| one.state.is_open()).filter_map(|one| one.clip).collect())
    }

    /// A row whose process died is one that waits.
    fn as_seen(&self, mut publication: Publication) -> Result<Publication, Error> {
        if publication.state == PublicationState::Running && !self.is_claimed(&publication)? {
            publication.state = PublicationState::Waiting;
            publication.why =
                Some("its process ended while it was sent; the next one goes on with it".to_owned());
        }
        Ok(publication)
    }

    fn is_claimed(&self, publication: &Publication) -> Result<bool, Error> {
        publication.claim.as_ref().map_or(Ok(false), |claim| is_alive(&self.claims, claim))
    }

    /// Whether anything waits for a target, or is to be asked about there.
    pub(super) async fn has_turns(&self, target: &Target) -> Result<bool, Error> {
        let mut connection = self.catalogue.pool().acquire().await.map_err(self.failed())?;
        rows::is_open_at(&mut connection, target).await.map_err(self.failed())
    }

    /// What may be sent to a target now, by its schedule and by what the platform has against it. Drops what is too late, and writes
    /// down what is in the way.
    pub(super) async fn next(
        &self,
        target: &Target,
        schedule: &Schedule,
        obstacle: Option<Hold>,
    ) -> Result<Next, Error> {
        let now = self.now();
        let mut transaction = self.begin().await?;
        for hold in [everywhere(), target.clone()] {
            let held = rows::hold(&mut transaction, &hold).await.map_err(self.failed())?;
            if let Some(held) = held.filter(|held| held.blocks(now)) {
                return Ok(Next::Nothing(held.hold.until));
            }
        }
        let mut posts = rows::posts_since(&mut transaction, target, now.checked_sub(MEMORY).unwrap_or(now))
            .await
            .map_err(self.failed())?;
        let open = rows::open_at(&mut transaction, target).await.map_err(self.unreadable())?;
        let mut free = Vec::new();
        for publication in open {
            if self.is_claimed(&publication)? {
                // It may become a post at any moment.
                posts.push(publication.changed_at);
            } else {
                free.push(publication);
            }
        }
        let mut chosen = None;
        let mut in_the_way = None;
        let mut soonest: Option<Timestamp> = None;
        for publication in free {
            let marks = rows::marks(&mut transaction, publication.key, publication.round)
                .await
                .map_err(self.unreadable())?;
            let standing = Standing::of(&marks);
            let is_begun = !matches!(standing, Standing::Nothing | Standing::Asked);
            if publication.expires_at.is_some_and(|expires| expires <= now) && !is_begun {
                let change = Change {
                    state: PublicationState::Dropped,
                    why: Some("it could not be posted in time"),
                    claim: None,
                    ..Change::of(&publication)
                };
                rows::update(&mut transaction, publication.key, &change, now)
                    .await
                    .map_err(self.unreadable())?;
                continue;
            }
            if let Some(time) = publication.not_before.filter(|time| *time > now) {
                soonest = Some(soonest.map_or(time, |soonest| soonest.min(time)));
                continue;
            }
            // What may be there already makes no further post.
            if !standing.may_be_published()
                && let Err(hold) = obstacle.clone().map_or_else(|| schedule.check(now, &posts), Err)
            {
                in_the_way.get_or_insert(hold);
                continue;
            }
            chosen = Some((publication, marks));
            break;
        }
        let held = in_the_way.filter(|_| chosen.is_none()).map(|hold| Held { hold, is_rule: true });
        rows::set_hold(&mut transaction, target, held.as_ref()).await.map_err(self.failed())?;
        let Some((publication, marks)) = chosen else {
            transaction.commit().await.map_err(self.failed())?;
            let times = held.and_then(|held| held.hold.until).into_iter().chain(soonest);
            return Ok(Next::Nothing(times.min()));
        };
        let claimed = self.take(&mut transaction, publication, marks).await?;
        transaction.commit().await.map_err(self.failed())?;
        Ok(Next::Send(Box::new(claimed)))
    }

    /// Claims one publication whatever its state, for who asked for just this one.
    pub(super) async fn claim(&self, key: PostKey, rules: &Schedule) -> Result<Taken, QueueError> {
        let mut transaction = self.begin().await?;
        let known = rows::one(&mut transaction, key).await.map_err(self.unreadable())?;
        let publication = known.ok_or_else(|| QueueError::NotFound(key.to_string()))?;
        if self.is_claimed(&publication)? {
            return Err(QueueError::State {
                name: publication.name,
                state: PublicationState::Running,
                action: "sent by a second process",
            });
        }
        let marks = rows::marks(&mut transaction, key, publication.round).await.map_err(self.unreadable())?;
        if !Standing::of(&marks).may_be_published() {
            let now = self.now();
            let since = now.checked_sub(MEMORY).unwrap_or(now);
            let posts = rows::posts_since(&mut transaction, &publication.target, since)
                .await
                .map_err(self.failed())?;
            if let Err(hold) = rules.check(now, &posts) {
                return Ok(Taken::Held(publication.state, hold));
            }
        }
        let claimed = self.take(&mut transaction, publication, marks).await?;
        transaction.commit().await.map_err(self.failed())?;
        Ok(Taken::Claimed(Box::new(claimed)))
    }

    async fn take(
        &self,
        transaction: &mut Transaction<'_, Sqlite>,
        publication: Publication,
        marks: Vec<publish::Mark>,
    ) -> Result<Claimed, Error> {
        // Locked before its name can be read by anybody.
        let claim = Claim::make(&self.claims)?;
        // One that is asked about stays what it is.
        let state = match publication.state {
            PublicationState::Processing | PublicationState::Delivered => publication.state,
            _ => PublicationState::Running,
        };
        let change = Change { state, why: None, claim: Some(claim.name()), ..Change::of(&publication) };
        rows::update(transaction, publication.key, &change, self.now()).await.map_err(self.unreadable())?;
        let journal = RowJournal::new(
            self.catalogue.clone(),
            self.clock.clone(),
            publication.key,
            publication.round,
            marks,
        );
        Ok(Claimed { publication, journal, claim })
    }

    /// Writes how a claimed publication stands after it was tried, and what that means for its account.
    pub(super) async fn settle(
        &self,
        claimed: Claimed,
        change: &Change<'_>,
        hold: Option<Hold>,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let key = claimed.publication.key;
        let held = hold.map(|hold| Held { hold, is_rule: false });
        rows::update(&mut transaction, key, change, self.now()).await.map_err(self.unreadable())?;
        rows::set_hold(&mut transaction, &claimed.publication.target, held.as_ref())
            .await
            .map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())?;
        // Only now may another take it.
        drop(claimed.claim);
        Ok(())
    }
}
