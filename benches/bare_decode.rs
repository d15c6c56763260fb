//! Decodes a file with symphonia on one thread and does nothing with it: `bare-decode FILE`. The time this takes is what
//! `benches/analysis-ratio.py` compares `streamliner detect` with.
#![expect(clippy::print_stdout, reason = "a program that says what it did")]

use std::path::Path;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).context("usage: bare-decode FILE")?;
    println!("{}", streamliner_benches::bare_decode(Path::new(&path))?);
    Ok(())
}
