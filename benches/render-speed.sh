#!/bin/sh
# How long rendering takes against two baselines, in one run on one machine:
#
#   encode-only  encoding the already composed frames alone: what no renderer can be faster than
#   full-blur    the composition done naively: a full-size background blurred at full size under the source
#
# All three use libx264 with the same preset and quality, AAC sound and the same 1920x1080 source at 60 fps.
#
#     benches/render-speed.sh [SECONDS [PRESET]]      default: 20 fast
set -eu

seconds=${1:-20}
preset=${2:-fast}
quality=21
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p render --example render_clip
target=$(cargo metadata --manifest-path "$root/Cargo.toml" --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
render_clip=$target/release/examples/render_clip

run_ffmpeg() { ffmpeg -hide_banner -nostdin -loglevel error -y "$@"; }

echo "source: $seconds s of 1920x1080 at 60 fps" >&2
run_ffmpeg -f lavfi -i "testsrc2=size=1920x1080:rate=60:duration=$seconds,noise=alls=2:allf=t" \
    -f lavfi -i "anoisesrc=color=pink:amplitude=0.2:sample_rate=48000:duration=$seconds" \
    -c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -c:a aac -shortest "$work/source.mp4"

python3 - "$seconds" >"$work/words.json" <<'PYTHON'
import json, sys
words = "well I did not see that one coming at all what a play".split()
count = int(float(sys.argv[1]) * 2.5)
print(json.dumps([
    {"start_s": n * 0.4, "end_s": n * 0.4 + 0.35, "text": words[n % len(words)], "emphasised": n % 6 == 5}
    for n in range(count)
]))
PYTHON
settings() { printf '{"encoder": {"choice": "libx264", "preset": "%s", "quality": %s}}' "$1" "$2"; }
settings "$preset" "$quality" >"$work/settings.json"
# As good as lossless, to be encoded again.
settings ultrafast 10 >"$work/composed.json"
"$render_clip" "$work/source.mp4" 0 "$seconds" "$work/composed.mp4" "$work/composed.json" "$work/words.json" >/dev/null

encode="-c:v libx264 -profile:v high -preset $preset -crf $quality -g 120 -pix_fmt yuv420p -c:a aac -b:a 192k"

timed() {
    name=$1
    shift
    # Nanoseconds where date knows them, else whole seconds.
    before=$(date +%s%N | sed 's/N$/000000000/')
    "$@" >/dev/null
    after=$(date +%s%N | sed 's/N$/000000000/')
    awk -v name="$name" -v ns=$((after - before)) 'BEGIN { printf "%s %.2f\n", name, ns / 1e9 }' | tee -a "$work/times"
}

# shellcheck disable=SC2086 # The options are meant to be split.
timed encode-only run_ffmpeg -i "$work/composed.mp4" $encode -movflags +faststart "$work/encoded.mp4"
timed render "$render_clip" "$work/source.mp4" 0 "$seconds" "$work/clip.mp4" "$work/settings.json" "$work/words.json"
# shellcheck disable=SC2086
timed full-blur run_ffmpeg -i "$work/source.mp4" -filter_complex \
    "[0:v]split[a][b];[a]scale=1080:1920:force_original_aspect_ratio=increase,crop=1080:1920,boxblur=20:10[under];[b]scale=1080:-2[over];[under][over]overlay=(W-w)/2:(H-h)/2[v]" \
    -map '[v]' -map 0:a $encode -movflags +faststart "$work/blurred.mp4"

awk '{ seconds[$1] = $2 } END {
    printf "render / encode-only: %.2f (at most 1.20 wanted)\n", seconds["render"] / seconds["encode-only"]
    printf "full-blur / render:   %.2f (at least 2.80 wanted)\n", seconds["full-blur"] / seconds["render"]
}' "$work/times"
