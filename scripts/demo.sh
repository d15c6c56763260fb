#!/usr/bin/env bash
# Builds Streamliner and runs its main job on the fixture VOD: clips, JSON and a report, in the folder that it prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

output=$PWD/out/demo
cargo build --release --locked -p streamliner-cli
"${CARGO_TARGET_DIR:-target}/release/streamliner" process fixtures/arena-night.mp4 \
    --streamer demo --dry-run --model fixtures/models/ggml-nano.en.bin --output-dir "$output"
report=$(find "$output" -name report.html | head -n 1)
echo
echo "The clips, highlights.json and the report are in: $output"
echo "Look at the report with a browser: $report"
