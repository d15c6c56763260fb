//! Decoding runs on a thread of its own, a bounded number of chunks ahead of the reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::assembler::{Assembled, Assembler};
use super::source::{Source, Step};
use crate::Error;

/// Chunks (of half a second) that wait for the reader at most.
const CHUNKS_AHEAD: usize = 4;

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
    receiver: Option<Receiver<Message>>,
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
        let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("audio-decode".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || decode(source, assembler, &sender, &shared)
        })?;
        Ok(Self { receiver: Some(receiver), thread: Some(thread), shared })
    }

    /// The next message; `None` if the thread ended without a word, which it does in a panic alone.
    pub(super) fn receive(&self) -> Option<Message> {
        self.receiver.as_ref()?.recv().ok()
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
    sender: &SyncSender<Message>,
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
        for part in parts.drain(..) {
            if sender.send(Message::Part(part)).is_err() {
                return;
            }
        }
        if assembler.is_complete() {
            break Message::End;
        }
    };
    assembler.finish(&mut parts);
    for message in parts.into_iter().map(Message::Part).chain([ending]) {
        if sender.send(message).is_err() {
            return;
        }
    }
}
