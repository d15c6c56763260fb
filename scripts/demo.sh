#!/usr/bin/env bash
# Builds Streamliner and runs its main job twice on the fixture VOD: as a file, and as a live stream of a stand-in for Kick.
# Clips, JSON and reports lie in the folders that it prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

output=$PWD/out/demo
live=$PWD/out/demo-live
programs=${CARGO_TARGET_DIR:-target}/release
cargo build --release --locked -p streamliner-cli -p testkit --bins

echo
echo "== a recording: streamliner process"
"$programs/streamliner" process fixtures/arena-night.mp4 \
    --streamer demo --dry-run --model fixtures/models/ggml-nano.en.bin --output-dir "$output"

echo
echo "== a live stream: streamliner monitor, on a stand-in that plays the recording four times as fast"
rm -rf "$live"
mkdir -p "$live"
ready=$live/streamliner.toml
"$programs/streamliner-standin" --media fixtures/arena-night.mp4 --chat fixtures/arena-night.chat.jsonl --pace 4 \
    --streamer demo --grace 30 --config-out "$ready" --env-out "$live/.env" >"$live/standin.log" &
standin=$!
trap 'kill "$standin" 2>/dev/null || true' EXIT
# The stand-in cuts the recording into segments first, and tells in a line when it is on the air.
until grep -q . "$live/standin.log" 2>/dev/null; do
    kill -0 "$standin"
    sleep 0.2
done
streamliner=$(cd "$programs" && pwd)/streamliner
model=$PWD/fixtures/models/ggml-nano.en.bin
(
    cd "$live"
    "$streamliner" monitor --dry-run --exit-when-idle --output-dir clips \
        --set paths.data_dir=data --set transcription.model="$model" --set monitor.poll_interval_s=2
)

report=$(find "$output" -name report.html | head -n 1)
echo
echo "The clips, highlights.json and the report of the recording are in: $output"
echo "Those of the live stream are in:                                   $live/clips/demo"
echo "Look at the report with a browser: $report"
