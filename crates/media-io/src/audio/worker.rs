//! Decoding runs on a thread of its own, a bounded number of chunks ahead of the reader.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::assembler::{Assembled, Assembler};
use super::source::{Source, Step};
use crate::Error;

/// Chunks (of half a second) that are handed over at once: to wake a thread takes a good part of the 0.2 ms in which a
/// chunk is decoded.
const BATCH: usize = 8;
/// Batches that wait for the reader at most.
const BATCHES_AHEAD: usize = 2;

/// What the thread sends.
#[derive(Debug)]
pub(super) enum Message {
    Part(Assembled),
    End,
    Failed(Error),
}

/// A decoding thread. It ends when it is done, or when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` once this is being dropped.
    receiver: Option<Receiver<Vec<Message>>>,
    /// What was received and not asked for yet.
    received: VecDeque<Message>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    damaged_packets: AtomicU64,
}

impl Worker {
    /// Starts to decode `source` into `assembler`.
    pub(super) fn start(source: Box<dyn Source>, assembler: Assembler) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("audio-decode".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || decode(source, assembler, &sender, &shared)
        })?;
        Ok(Self { receiver: Some(receiver), received: VecDeque::new(), thread: Some(thread), shared })
    }

    /// The next message; `None` if the thread ended without a word, which it does in a panic alone.
    pub(super) fn receive(&mut self) -> Option<Message> {
        if self.received.is_empty() {
            self.received = self.receiver.as_ref()?.recv().ok()?.into();
        }
        self.received.pop_front()
    }

    /// Packets that could not be read or decoded so far.
    pub(super) fn damaged_packets(&self) -> u64 {
        self.shared.damaged_packets.load(Ordering::Relaxed)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // A thread that waits for room in the channel learns of the end by this.
        self.receiver = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the decoding thread panicked");
        }
    }
}

fn decode(
    mut source: Box<dyn Source>,
    mut assembler: Assembler,
    sender: &SyncSender<Vec<Message>>,
    shared: &Shared,
) {
    let (mut mono, mut parts) = (Vec::new(), Vec::new());
    let ending = loop {
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        match source.step(assembler.expected(), &mut mono) {
            Ok(Step::Block { at, rate }) => assembler.block(at, rate, &mono, &mut parts),
            Ok(Step::Damage { at, length }) => {
                if assembler.damage(at, length) {
                    shared.damaged_packets.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(Step::End) => break Message::End,
            Err(error) => break Message::Failed(error),
        }
        if parts.len() >= BATCH && sender.send(parts.drain(..).map(Message::Part).collect()).is_err() {
            return;
        }
        if assembler.is_complete() {
            break Message::End;
        }
    };
    assembler.finish(&mut parts);
    // Nobody is left to tell if this fails.
    let _ = sender.send(parts.into_iter().map(Message::Part).chain([ending]).collect());
}
