//! Looks at who is live, and what follows from them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use timeline::{Digest, StreamerName};

use super::super::event::MonitorEvent;
use super::super::presence::{Change, Presence, Sighting, State, misses_apart};
use super::super::sources::{Look, look};
use super::super::watch::{StreamSource, Watched};
use super::super::webhooks::{self, Told};
use super::watcher::{LeftOpen, Watcher};
use super::{Found, Supervisor};
use crate::Error;

impl Supervisor {
    /// Listens for webhooks, if that was asked for.
    pub(super) async fn receive_webhooks(&self) -> Result<(), Error> {
        let Some(address) = self.request.webhooks else { return Ok(()) };
        let Some(kick) = &self.request.kick else {
            self.events.notice(None, "there is no access to Kick, so webhooks are not received");
            return Ok(());
        };
        let (api, told) = (Arc::clone(&kick.api), self.told.0.clone());
        let bound = webhooks::listen(address, api, told, self.stop.clone()).await?;
        tracing::info!(address = %bound, "webhooks are received");
        Ok(())
    }

    /// Takes what a webhook told of a channel.
    pub(super) fn take_told(&mut self, told: Told) {
        let is_it = |watcher: &Watcher| match &watcher.watched.source {
            StreamSource::Kick { slug } => slug.eq_ignore_ascii_case(&told.slug),
            StreamSource::Address(_) => false,
        };
        let name = self.watchers.iter().find(|(_, watcher)| is_it(watcher)).map(|(name, _)| name.clone());
        let is_old = |watcher: &Watcher| {
            told.started_at.zip(watcher.presence.broadcast()).is_some_and(|(told, now)| told < now)
        };
        if let Some(name) = name.filter(|name| !self.watchers.get(name).is_some_and(is_old)) {
            self.take_look(&name, told.look);
        }
    }

    /// Begins a look at all streamers; one that is under way is followed by another.
    pub(super) fn look(&mut self) {
        if self.looking.is_some() {
            self.look_again = true;
            return;
        }
        let asked: Vec<(Watched, Option<Digest>, bool)> = self
            .watchers
            .values()
            .map(|watcher| {
                let run = watcher.session.as_ref().map(|session| session.run);
                (watcher.watched.clone(), run, run.is_some() && !watcher.standing)
            })
            .collect();
        let (kick, client) = (self.request.kick.clone(), self.request.client.clone());
        self.looking = Some(Box::pin(async move {
            let watched: Vec<_> = asked.iter().map(|(watched, _, recorded)| (watched, *recorded)).collect();
            let looks = look(kick.as_ref(), &client, &watched).await;
            asked.into_iter().zip(looks).map(|((watched, run, _), look)| (watched.name, run, look)).collect()
        }));
    }

    pub(super) async fn take_found(&mut self, found: Found) -> Result<(), Error> {
        self.looked = true;
        if std::mem::take(&mut self.look_again) {
            self.request.nudge.notify_one();
        }
        self.ending.retain(|_, task| !task.is_finished());
        while let Some(run) = self.failed.last().copied() {
            let row = self.workshop.catalogue.session(run).await?.filter(|row| !row.ended);
            self.left_open.extend(row.map(LeftOpen::from));
            self.failed.pop();
        }
        let mut sightings = BTreeMap::new();
        for (name, run, look) in found {
            let Some(watcher) = self.watchers.get(&name) else { continue };
            // What was found before a session began or ended says nothing of how things are now.
            let current = watcher.session.as_ref().map(|session| session.run) == run;
            sightings.insert(name.clone(), if current { look.sighting } else { Sighting::Unknown });
            if current {
                self.take_look(&name, look);
            }
        }
        // Who was added meanwhile has not been looked at.
        for name in self.watchers.keys() {
            sightings.entry(name.clone()).or_insert(Sighting::Unknown);
        }
        self.finish_left_open(&sightings).await
    }

    pub(super) fn take_look(&mut self, name: &StreamerName, look: Look) {
        let Some(watcher) = self.watchers.get_mut(name) else { return };
        let apart = misses_apart(self.request.poll);
        let before = watcher.presence.state();
        if watcher.session.is_some() && before == State::Ended {
            // The last broadcast is still being finished.
            return;
        }
        let look = watcher.compared(look);
        watcher.status.title = look.title.or(watcher.status.title.take());
        watcher.category = look.category.or(watcher.category.take());
        if look.problem.is_some() && watcher.status.problem != look.problem {
            tracing::warn!(streamer = %name, problem = look.problem.as_deref(), "cannot tell who is live");
        }
        if watcher.session.is_none() || look.problem.is_some() {
            watcher.status.problem = look.problem;
        }
        match watcher.presence.seen(look.sighting, Instant::now(), apart) {
            Change::Stay => {}
            Change::Begin(since) => self.begin(name, since),
            Change::End => self.end(name),
            Change::EndAndBegin(_) => {
                // The next look, which follows at once, begins the new one.
                self.end(name);
                if let Some(watcher) = self.watchers.get_mut(name) {
                    watcher.presence = Presence::default();
                }
                self.request.nudge.notify_one();
            }
        }
        self.tell_state(name, before);
    }

    pub(super) fn tell_state(&mut self, name: &StreamerName, before: State) {
        let Some(watcher) = self.watchers.get_mut(name) else { return };
        let state = watcher.presence.state();
        watcher.status.state = state;
        if state != before {
            tracing::info!(streamer = %name, %state, "state changed");
            self.events.send(MonitorEvent::State { streamer: name.clone(), state });
        }
    }
}
