//! Ctrl-C and requests to end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::{Exit, Failure};

/// A flag that the first Ctrl-C or SIGTERM raises, so that the work can stop cleanly; the second ends the program at once.
pub(crate) fn watch() -> Result<Arc<AtomicBool>, Failure> {
    let raised = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down and only raises it.
        flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&raised))
            .and_then(|_| flag::register(signal, Arc::clone(&raised)))
            .context("cannot watch for Ctrl-C")
            .map_err(Failure::failed)?;
    }
    Ok(raised)
}
