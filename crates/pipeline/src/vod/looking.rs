//! Looking for words and cuts around candidates in a recorded stream, as it is done while one runs.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use highlight_detect::{Candidate, RankOptions};
use media_io::Ffmpeg;
use timeline::{Span, Transcript};

use crate::Error;
use crate::detect::Search;
use crate::footage::{Footage, SharedStore};
use crate::selection::{Findings, evidence_span};
use crate::speech::Speech;

/// With what is looked.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) store: &'a SharedStore,
    pub(crate) ffmpeg: Option<&'a Ffmpeg>,
    pub(crate) options: &'a RankOptions,
    /// What is said, if that is known.
    pub(crate) known: Option<&'a Transcript>,
    pub(crate) interrupt: &'a AtomicBool,
    /// Where files are made that are needed for a while.
    pub(crate) scratch: &'a Path,
}

impl Look<'_> {
    /// What is found around each of `members`, by index of the candidate.
    pub(crate) fn around(
        &self,
        candidates: &[Candidate],
        members: &[usize],
        mut speech: Option<&mut Speech>,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Vec<(usize, Findings)>, Error> {
        let mut found = Vec::with_capacity(members.len());
        for (done, &index) in members.iter().enumerate() {
            let candidate = &candidates[index];
            let medium = self.store.whole_around(candidate.core);
            let span = evidence_span(candidate, medium, self.options);
            found.push((index, self.in_span(span, speech.as_deref_mut())?));
            progress((done + 1) as f64 / members.len() as f64);
        }
        Ok(found)
    }

    fn in_span(&self, span: Span, speech: Option<&mut Speech>) -> Result<Findings, Error> {
        let excerpt = Footage::Segments(self.store.clone()).excerpt(span, self.scratch)?;
        let mut search = Search {
            path: excerpt.path(),
            ffmpeg: self.ffmpeg,
            speech: if self.known.is_some() { None } else { speech },
            interrupt: self.interrupt,
            picture: OnceCell::new(),
        };
        let mut findings = search.look_in(&excerpt, span)?;
        if let Some(known) = self.known {
            findings.words = Some(known.words_in(span));
        }
        Ok(findings)
    }
}
