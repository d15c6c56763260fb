#!/usr/bin/env bash
# Records streams that ffmpeg's own HLS muxer makes and nginx serves, with the real monitor, for a minute each way: as transport
# stream and as fragmented MP4. Prints how many segments were recorded, what is missing, and how far sound is from picture.
# It needs ffmpeg, ffprobe, python3 and nginx (apt-get install nginx), and is no part of CI.
#
#   ./scripts/check-nginx.sh [SECONDS]    60 unless told otherwise; BINARY=path/to/streamliner spares building one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
for program in ffmpeg ffprobe python3 nginx; do
    command -v "$program" >/dev/null || {
        echo "check-nginx: $program is not installed (apt-get install ffmpeg python3 nginx)" >&2
        exit 2
    }
done
binary=${BINARY:-}
if [[ -z $binary ]]; then
    cargo build --release --locked -p streamliner-cli
    binary=${CARGO_TARGET_DIR:-target}/release/streamliner
fi
binary=$(realpath "$binary")

work=$(mktemp -d)
children=()
finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    wait
    rm -rf "$work"
}
trap finish EXIT
# nginx's workers may run as another user.
chmod 755 "$work"
mkdir -p "$work"/www/{ts,fmp4} "$work"/logs

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/nginx.pid;
error_log $work/logs/error.log;
events { worker_connections 64; }
http {
    types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 mp4 m4s; }
    access_log $work/logs/access.log;
    client_body_temp_path $work/logs/body;
    proxy_temp_path $work/logs/proxy;
    fastcgi_temp_path $work/logs/fastcgi;
    uwsgi_temp_path $work/logs/uwsgi;
    scgi_temp_path $work/logs/scgi;
    server { listen 127.0.0.1:$port; root $work/www; }
}
CONF
nginx -e "$work/logs/error.log" -c "$work/nginx.conf" &
children+=($!)

# A flash and a beep at every full second, encoded as it is sent.
picture="color=black:s=320x180:r=30,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.1)'"
sound="aevalsrc='if(lt(mod(t,1),0.05),0.5*sin(2*PI*1000*t),0)':s=48000"
play() {
    (
        cd "$work/www/$1"
        exec ffmpeg -v error -nostdin -re -f lavfi -i "$picture" -re -f lavfi -i "$sound" -t "$seconds" \
            -c:v libx264 -preset veryfast -bf 2 -g 60 -keyint_min 60 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 96k \
            -f hls -hls_time 2 -hls_list_size 6 -hls_flags delete_segments+program_date_time -hls_segment_type "$2" live.m3u8
    ) &
    children+=($!)
}
play ts mpegts
play fmp4 fmp4

cat >"$work/streamliner.toml" <<CONF
[paths]
data_dir = "data"
output_dir = "out"
[transcription]
enabled = false
[monitor]
poll_interval_s = 2
[streamers.ts]
url = "http://127.0.0.1:$port/ts/live.m3u8"
[streamers.fmp4]
url = "http://127.0.0.1:$port/fmp4/live.m3u8"
CONF
echo "check-nginx: recording $seconds s of both from nginx on port $port"
(cd "$work" && HOME=$work timeout $((seconds + 60)) "$binary" monitor --exit-when-idle) 2>"$work/logs/monitor.log" || {
    cat "$work/logs/monitor.log" >&2
    exit 1
}
for kind in ts fmp4; do
    index=$(find "$work/data" -path "*/$kind/*" -name index.jsonl | head -n 1)
    [[ -n $index ]] || {
        echo "check-nginx: nothing of $kind was recorded" >&2
        cat "$work/logs/monitor.log" >&2
        exit 1
    }
    python3 scripts/check-nginx.py "$kind" "$(dirname "$index")" "$work/logs/access.log"
done
