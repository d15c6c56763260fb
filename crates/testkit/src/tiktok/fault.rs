//! What goes wrong on demand, and with which requests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::FakeTikTok;
use super::endpoint::Endpoint;

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// This status with a page of a proxy, and nothing is done.
    Status(u16),
    /// This error of TikTok's, with the status that belongs to it, and nothing is done. Not for uploads.
    Refuse(&'static str),
    /// The connection ends without a reply, and nothing is done.
    NoReply,
    /// All is done, and then the connection ends without a reply.
    LostReply,
    /// All is done, and the answer is this status with a page of a proxy.
    DoneBut(u16),
    /// The connection ends after so many bytes of an upload's body, or all of them. The chunk is not kept.
    CutBody {
        /// Bytes that are read before.
        after: u64,
    },
    /// The right answer, after this time of the world's.
    Slow(Duration),
    /// The body of an upload is read, or the answer's is sent, at so many bytes a second.
    SlowBody {
        /// At least 1.
        bytes_per_s: u32,
    },
    /// 307 to this address, and nothing is done. Nobody should follow it with what is meant for TikTok.
    Redirect(String),
    /// Half of the right answer, whole by its length.
    TornJson,
    /// No answer at all while the client waits, and nothing is done.
    Hang,
}

impl Fault {
    /// Whether nothing is done and the answer does not depend on the request.
    pub(super) fn spares(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Refuse(_) | Self::NoReply | Self::Redirect(_))
    }
}

/// The faults of all endpoints, and how many requests each has had.
#[derive(Debug, Default)]
pub(super) struct Faults {
    counts: BTreeMap<Endpoint, u32>,
    script: Vec<(Endpoint, Range<u32>, Fault)>,
}

impl Faults {
    /// Counts a request and tells what is wrong with it, if anything.
    pub(super) fn next(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let count = self.counts.entry(endpoint).or_default();
        let number = *count;
        *count += 1;
        let strikes = |(of, requests, _): &&(Endpoint, Range<u32>, Fault)| {
            *of == endpoint && requests.contains(&number)
        };
        self.script.iter().find(strikes).map(|(.., fault)| fault.clone())
    }

    fn count(&self, endpoint: Endpoint) -> u32 {
        self.counts.get(&endpoint).copied().unwrap_or_default()
    }
}

impl FakeTikTok {
    /// Lets requests to an endpoint fail, counted from 0 since the start. Where several faults would befall a request,
    /// the one that was told first does.
    pub fn fail(&self, endpoint: Endpoint, requests: Range<u32>, fault: Fault) {
        self.shared.change(|state| state.faults.script.push((endpoint, requests, fault)));
    }

    /// Lets the next so many requests to an endpoint fail, `None` for all until [`FakeTikTok::behave`].
    pub fn fail_next(&self, endpoint: Endpoint, times: Option<u32>, fault: Fault) {
        self.shared.change(|state| {
            let first = state.faults.count(endpoint);
            let end = times.map_or(u32::MAX, |times| first.saturating_add(times));
            state.faults.script.push((endpoint, first..end, fault));
        });
    }

    /// Ends all faults of an endpoint.
    pub fn behave(&self, endpoint: Endpoint) {
        self.shared.change(|state| state.faults.script.retain(|(of, ..)| *of != endpoint));
    }

    /// How many requests an endpoint got, answered or not.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> u32 {
        self.shared.change(|state| state.faults.count(endpoint))
    }
}
