//! Takes publications from the queue to where they belong.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use media_io::Ffmpeg;
use publish::{Delivery, Journal as _, Mark, Post, PostKey, PublishError, Publisher, Readiness, Target};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::event::{PublishEvent, PublishSink};
use super::parcel::post_of;
use super::queue::{Claimed, Next, Queue, QueueError, Taken};
use super::record::{Publication, PublicationState};
use super::rows::Change;
use super::schedule::{Hold, Schedule};
use super::verdict::{Verdict, told, verdict};
use crate::Error;
use crate::blocking::blocking;

/// The queue is looked at this often: for what was put into it, and for what may go since.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// After the database failed, it is tried again this much later.
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);

/// An account, and when it may be posted to.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Who takes posts there.
    pub publisher: Arc<dyn Publisher>,
    /// By which rules.
    pub schedule: Schedule,
    /// At least this much time between two posts, also for a person who asks for one.
    pub cooldown: SignedDuration,
}

impl Destination {
    fn target(&self) -> &Target {
        self.publisher.target()
    }

    /// The rules of the account, its pause among them.
    fn rules(&self) -> Schedule {
        Schedule { spacing: self.schedule.spacing.max(self.cooldown), ..self.schedule.clone() }
    }
}

/// How long a [`Courier`] goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until it is stopped.
    Stopped,
    /// Until nothing may go for longer than this.
    NothingFor(SignedDuration),
    /// Until nothing waits that will ever go by itself.
    Empty,
}

/// What came of sending one publication.
#[derive(Debug)]
pub struct Sent {
    /// What the platform told, or why it was not sent.
    pub outcome: Result<Delivery, PublishError>,
    /// How the publication stands now.
    pub state: PublicationState,
}

/// Sends what is in a queue. Several may work on one queue, in this process or in others.
#[derive(Clone, Debug)]
pub struct Courier {
    queue: Queue,
    ffmpeg: Ffmpeg,
    events: PublishSink,
}

impl Courier {
    /// Takes from `queue`; `ffmpeg` tells what files are like.
    #[must_use]
    pub const fn new(queue: Queue, ffmpeg: Ffmpeg, events: PublishSink) -> Self {
        Self { queue, ffmpeg, events }
    }

    /// Sends what may go to these destinations, and ends as `until` says.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used.
    pub async fn drain(
        &self,
        destinations: Vec<Destination>,
        stop: &CancellationToken,
        until: Until,
    ) -> Result<(), Error> {
        // The senders live as long as this does.
        let (_list, destinations) = watch::channel(destinations);
        let (_until, until) = watch::channel(until);
        self.work(destinations, stop, until).await
    }

    /// Sends what may go to these destinations, one publication at a time to each. What is being sent when `stop` comes is left as its journal tells, and
    /// the next courier goes on with it.
    ///
    /// # Errors
    /// [`Error`] where the database cannot be used, unless it is to go on until it is stopped: then it tries again.
    pub async fn work(
        &self,
        mut destinations: watch::Receiver<Vec<Destination>>,
        stop: &CancellationToken,
        until: watch::Receiver<Until>,
    ) -> Result<(), Error> {
        let mut tasks: JoinSet<(Target, Result<(), Error>)> = JoinSet::new();
        let mut busy: Vec<Target> = Vec::new();
        let result = loop {
            let list = destinations.borrow_and_update().clone();
            let until = *until.borrow();
            let mut soonest = None;
            let mut pause = POLL_INTERVAL;
            let mut failure = None;
            for destination in list {
                if busy.contains(destination.target()) {
                    continue;
                }
                match self.turn(&destination).await {
                    Ok(Next::Send(claimed)) => {
                        busy.push(destination.target().clone());
                        let courier = self.clone();
                        tasks.spawn(async move {
                            let target = destination.target().clone();
                            (target, courier.deliver(&destination, *claimed).await.map(drop))
                        });
                    }
                    Ok(Next::Nothing(time)) => {
                        soonest = [soonest, time].into_iter().flatten().min();
                    }
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(error) = failure {
                if until != Until::Stopped {
                    break Err(error);
                }
                tracing::warn!(error = %error, "the queue of publications cannot be used; it is tried again");
                pause = TROUBLE_PAUSE;
            } else if tasks.is_empty() && self.is_over(until, soonest) {
                break Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                Some(done) = tasks.join_next() => {
                    match done {
                        Ok((target, done)) => {
                            busy.retain(|other| *other != target);
                            if let Err(error) = done {
                                tracing::warn!(%error, "how a publication went cannot be written down");
                            }
                        }
                        // Its claim is gone with it, so it is taken up again.
                        Err(error) => {
                            tracing::error!(%error, "sending a clip failed");
                            busy.clear();
                        }
                    }
                }
                () = tokio::time::sleep(pause) => {}
            }
        };
        tasks.shutdown().await;
        result
    }

    fn is_over(&self, until: Until, soonest: Option<Timestamp>) -> bool {
        match until {
            Until::Stopped => false,
            Until::Empty => soonest.is_none(),
            Until::NothingFor(patience) => {
                soonest.is_none_or(|time| time.duration_since(self.queue.now()) > patience)
            }
        }
    }

    /// What may be sent to a destination now.
    async fn turn(&self, destination: &Destination) -> Result<Next, Error> {
        let target = destination.target();
        if !self.queue.has_turns(target).await? {
            return Ok(Next::Nothing(None));
        }
        let obstacle = match destination.publisher.readiness().await {
            Ok(Readiness::Now) => None,
            Ok(Readiness::Later { at, why }) => Some(Hold { why, until: Some(at) }),
            Err(error) => Some(Hold { why: told(&error), until: None }),
        };
        self.queue.next(target, &destination.rules(), obstacle).await
    }

    /// Sends one publication now, whatever the schedule says but for its pause: for a person who asked for it. What cannot go now
    /// is paused, unless it was to go by itself anyway.
    ///
    /// # Errors
    /// [`QueueError::NotFound`] if it is not in the queue, [`QueueError::State`] while another process sends it.
    pub async fn send(&self, destination: &Destination, key: PostKey) -> Result<Sent, QueueError> {
        let pause = Schedule { spacing: destination.cooldown, ..Schedule::default() };
        match self.queue.claim(key, &pause).await? {
            Taken::Claimed(claimed) => Ok(self.deliver(destination, *claimed).await?),
            Taken::Held(state, Hold { why: reason, until }) => {
                Ok(Sent { outcome: Err(PublishError::NotNow { reason, until, reference: None }), state })
            }
        }
    }

    async fn deliver(&self, destination: &Destination, mut claimed: Claimed) -> Result<Sent, Error> {
        let publisher = &destination.publisher;
        let outcome = if claimed.publication.state == PublicationState::Processing {
            follow(publisher.as_ref(), &mut claimed).await
        } else {
            self.publish(publisher.as_ref(), &mut claimed).await
        };
        let publication = claimed.publication.clone();
        let verdict = verdict(&outcome, publication.attempts, &publication.video, self.queue.now());
        let state = self.settle(claimed, &outcome, verdict).await?;
        self.tell(&publication, &outcome, &state);
        Ok(Sent { outcome, state: state.state })
    }

    async fn publish(
        &self,
        publisher: &dyn Publisher,
        claimed: &mut Claimed,
    ) -> Result<Delivery, PublishError> {
        let post = self.post(&claimed.publication).await?;
        let key = claimed.publication.key;
        self.events.send(PublishEvent::Begun {
            key,
            name: post.name.clone(),
            target: claimed.publication.target.clone(),
            bytes: post.facts.bytes,
        });
        let events = self.events.clone();
        let tell = move |sent| events.send(PublishEvent::Progress { key, sent });
        tracing::info!(clip = %post.name, target = %publisher, "sending");
        publisher.publish(&post, &mut claimed.journal, &tell).await
    }

    async fn post(&self, publication: &Publication) -> Result<Post, PublishError> {
        let (ffmpeg, publication) = (self.ffmpeg.clone(), publication.clone());
        blocking(move || post_of(&ffmpeg, &publication))
            .await
            .unwrap_or_else(|error| Err(PublishError::unavailable(error.to_string())))
    }

    async fn settle(
        &self,
        claimed: Claimed,
        outcome: &Result<Delivery, PublishError>,
        verdict: Verdict,
    ) -> Result<Verdict, Error> {
        let publication = claimed.publication.clone();
        let state = match (verdict.state, publication.state) {
            // A post that was taken is never less than that because it could not be asked about.
            (PublicationState::Waiting, PublicationState::Processing) => PublicationState::Processing,
            (PublicationState::Waiting, PublicationState::Waiting | PublicationState::Running) => {
                PublicationState::Waiting
            }
            // Somebody asked for this one attempt alone.
            (PublicationState::Waiting, _) => PublicationState::Paused,
            (state, _) => state,
        };
        let change = Change {
            state,
            why: verdict.why.as_deref(),
            claim: None,
            attempts: verdict.attempts,
            not_before: verdict.not_before,
            expires_at: publication.expires_at,
            result: outcome.as_ref().ok().or(publication.result.as_ref()),
        };
        self.queue.settle(claimed, &change, verdict.hold.clone()).await?;
        Ok(Verdict { state, ..verdict })
    }

    fn tell(&self, publication: &Publication, outcome: &Result<Delivery, PublishError>, verdict: &Verdict) {
        let (key, streamer) = (publication.key, publication.streamer.clone());
        let (name, target) = (publication.name.clone(), publication.target.clone());
        self.events.send(match outcome {
            Ok(delivery) => {
                PublishEvent::Delivered { key, streamer, name, target, delivery: delivery.clone() }
            }
            Err(error) => PublishEvent::Missed {
                key,
                streamer,
                name,
                target,
                state: verdict.state,
                why: told(error),
                until: verdict.not_before.or_else(|| verdict.hold.as_ref().and_then(|hold| hold.until)),
            },
        });
    }
}

/// Asks what became of a post that was taken.
async fn follow(publisher: &dyn Publisher, claimed: &mut Claimed) -> Result<Delivery, PublishError> {
    let earlier = claimed.publication.result.clone();
    let Some(receipt) = earlier.and_then(|delivery| delivery.receipt) else {
        let why = "the platform took it and gave nothing to ask about it by".to_owned();
        return Err(PublishError::Unknown { why, receipt: None });
    };
    match publisher.follow(&receipt).await {
        Ok(delivery) => {
            claimed.journal.write(Mark::Delivered { delivery: delivery.clone() }).await?;
            Ok(delivery)
        }
        Err(error @ PublishError::Refused(_)) => {
            // Whoever tries it again begins anew.
            claimed.journal.write(Mark::Abandoned { why: error.to_string() }).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}
