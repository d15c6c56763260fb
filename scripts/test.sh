#!/usr/bin/env bash
# Everything that must hold before a change is merged. CI runs this and nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

step() {
    printf '\n== %s\n' "$*" >&2
}

# The normal dependencies of the detector, one a line; C would come in through a -sys crate or the cc crate.
detector_stays_pure() {
    local tree foreign
    tree=$(cargo tree --locked -p highlight-detect -e normal,build --prefix none)
    foreign=$(grep -E '^([a-z0-9_-]+-sys|cc|cmake|bindgen) ' <<<"$tree" || true)
    if [[ -n $foreign ]]; then
        echo "highlight-detect must stay free of C, but depends on: $foreign" >&2
        return 1
    fi
}

step "formatting"
cargo fmt --all --check
step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
step "the detector alone"
cargo check --locked -p highlight-detect
detector_stays_pure
step "tests"
cargo test --workspace --locked

step "licences, bans and sources"
if cargo deny --version >/dev/null 2>&1; then
    cargo deny --locked check licenses bans sources
else
    echo "skipped: cargo-deny is not installed (cargo install cargo-deny)" >&2
fi

step "fuzz targets"
if [[ ! -d fuzz ]]; then
    echo "skipped: there are none" >&2
elif cargo fuzz --version >/dev/null 2>&1 && cargo +nightly --version >/dev/null 2>&1; then
    cargo +nightly fuzz build
else
    echo "skipped: cargo-fuzz or a nightly toolchain is not installed" >&2
fi

step "all is well"
