//! Everything that the stand-in knows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::account::Account;
use super::clock::Clock;
use super::endpoint::Endpoint;
use super::fault::Faults;
use super::login::{Decision, Grant};
use super::outside::Errand;
use super::record::{Delivery, Record, Request};
use super::rules::Rules;
use super::share::{Dooms, Share};
use super::token::{Access, RefreshToken};

/// The first number of an upload or a post: of 19 digits, which no floating-point number holds.
const FIRST_NUMBER: u64 = 7_412_345_678_901_234_567;

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) rules: Rules,
    pub(super) accounts: Vec<Account>,
    /// Who sits at the browser: the place among the accounts.
    pub(super) at_browser: usize,
    /// What they do at the page that asks for consent.
    pub(super) decision: Decision,
    pub(super) grants: HashMap<String, Grant>,
    pub(super) access: HashMap<String, Access>,
    pub(super) refresh: HashMap<String, RefreshToken>,
    pub(super) windows: HashMap<(String, Endpoint), VecDeque<Duration>>,
    pub(super) shares: Vec<Share>,
    pub(super) dooms: Dooms,
    pub(super) faults: Faults,
    pub(super) requests: Vec<Request>,
    pub(super) webhooks: Vec<Delivery>,
    /// Where events go.
    pub(super) webhook: Option<String>,
    /// Bytes of bodies of uploads.
    pub(super) uploaded: u64,
    /// All that must not be seen in a log.
    pub(super) secrets: Vec<String>,
    next_number: u64,
    errands: mpsc::UnboundedSender<Errand>,
}

impl State {
    pub(super) fn new(rules: Rules, accounts: Vec<Account>, errands: mpsc::UnboundedSender<Errand>) -> Self {
        Self {
            clock: Clock::new(rules.time_scale),
            rules,
            accounts,
            at_browser: 0,
            decision: Decision::Agree,
            grants: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            windows: HashMap::new(),
            shares: Vec::new(),
            dooms: Dooms::new(),
            faults: Faults::default(),
            requests: Vec::new(),
            webhooks: Vec::new(),
            webhook: None,
            uploaded: 0,
            secrets: Vec::new(),
            next_number: FIRST_NUMBER,
            errands,
        }
    }

    pub(super) fn account(&self, username: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.username == username)
    }

    pub(super) fn account_place(&self, username: &str) -> usize {
        let found = self.accounts.iter().position(|account| account.username == username);
        found.unwrap_or_else(|| panic!("the stand-in has no account {username}"))
    }

    pub(super) fn share_place(&self, publish_id: &str) -> usize {
        let found = self.shares.iter().position(|share| share.publish_id == publish_id);
        found.unwrap_or_else(|| panic!("the stand-in has no publication {publish_id}"))
    }

    pub(super) fn new_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Something that nobody can guess, behind a prefix.
    pub(super) fn new_secret(&mut self, prefix: &str) -> String {
        let secret =
            format!("{prefix}.{}{}", Uuid::new_v4().simple(), &Uuid::new_v4().simple().to_string()[..8]);
        self.secrets.push(secret.clone());
        secret
    }

    /// Has something done outside.
    pub(super) fn errand(&self, errand: Errand) {
        // Nobody is there to do it once the stand-in stops.
        let _ = self.errands.send(errand);
    }

    pub(super) fn record(&self) -> Record {
        Record {
            requests: self.requests.clone(),
            publications: self.shares.iter().map(Share::publication).collect(),
            webhooks: self.webhooks.clone(),
            uploaded_bytes: self.uploaded,
        }
    }
}

/// The state, shared by the servers.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Tells that something changed.
    pub(super) changes: watch::Sender<()>,
    /// Where bytes go.
    pub(super) upload_base: String,
    /// The status of the flat errors.
    pub(super) token_error_status: StatusCode,
}

impl Shared {
    pub(super) fn new(state: State, upload_base: String) -> Self {
        let token_error_status = state.rules.token_error_status;
        Self { state: Mutex::new(state), changes: watch::Sender::new(()), upload_base, token_error_status }
    }

    /// Changes something, and tells those who wait.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = self.look(change);
        self.changes.send_replace(());
        result
    }

    /// Changes nothing that anybody waits for.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
