#!/usr/bin/env python3
"""How much of a finished broadcast is fetched, and how long it takes, against downloading everything first.

Makes a broadcast of two hours as Kick lists it (1080p at 6 Mbit/s and 160p at 0.23 Mbit/s, transport stream in segments of 10 s) out of the
fixture over and over, and serves it over loopback. Then it makes ten clips of it three times, each from nothing:

    selective    streamliner process ADDRESS: listens to 160p, fetches 1080p where clips are
    keep-full    the same with --keep-full
    everything   fetches all of 1080p, four segments at a time, and then processes the file

Speech is not recognised: that takes the same time each way. A second table gives the same at the speed of a line, if one is named.

    benches/vod-bytes.py [--minutes 120] [--mbit 0] [--keep-full]

Build first: cargo build --release -p streamliner-cli. STREAMLINER names another binary. Keeps up to 6 GB in target/bench-media.
"""

import argparse
import concurrent.futures
import functools
import http.server
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = Path(os.environ.get("STREAMLINER", TARGET / "release/streamliner"))
FIXTURE = ROOT / "fixtures/arena-night.mp4"
CLIPS = 10
SEGMENT_S = 10
# Height: picture and sound in kbit/s. Kick tells 230 kbit/s for 160p, sound included, and 6 to 8.6 Mbit/s for 1080p.
LADDER = {1080: (5_800, 160), 160: (110, 96)}
FETCHED_AT_ONCE = 4
TARGET_SHARE = 0.15


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def ladder(minutes):
    """The folder of the broadcast; made once."""
    folder = TARGET / f"bench-media/vod-{minutes}"
    if (folder / "master.m3u8").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seconds = minutes * 60
    length = float(subprocess.check_output(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", FIXTURE]))
    master = "#EXTM3U\n"
    for height, (picture, sound) in LADDER.items():
        piece, name = folder / f"piece-{height}.mp4", f"{height}p30"
        # A constant rate, filled up where the picture needs less, so that sizes are those of a real ladder.
        ffmpeg("-i", FIXTURE, "-vf", f"scale=-2:{height}", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
               "-g", 60, "-keyint_min", 60, "-sc_threshold", 0, "-b:v", f"{picture}k", "-minrate", f"{picture}k",
               "-maxrate", f"{picture}k", "-bufsize", f"{picture}k", "-x264-params", "nal-hrd=cbr:force-cfr=1",
               "-c:a", "aac", "-ac", 2, "-b:a", f"{sound}k", piece)
        times = folder / "times.txt"
        times.write_text(f"file '{piece.resolve()}'\n" * (int(seconds / length) + 1))
        (folder / name).mkdir()
        ffmpeg("-f", "concat", "-safe", 0, "-i", times, "-t", seconds, "-c", "copy", "-f", "hls", "-hls_time", SEGMENT_S,
               "-hls_list_size", 0, "-hls_playlist_type", "vod", "-hls_segment_filename", folder / name / "%d.ts",
               folder / name / "playlist.m3u8")
        piece.unlink()
        size = sum(path.stat().st_size for path in (folder / name).glob("*.ts"))
        width = height * 16 // 9 // 2 * 2
        master += (f"#EXT-X-STREAM-INF:BANDWIDTH={int(size * 8 / seconds)},RESOLUTION={width}x{height},"
                   f"CODECS=\"avc1.64001F,mp4a.40.2\",FRAME-RATE=30.000\n{name}/playlist.m3u8\n")
    (folder / "master.m3u8").write_text(master)
    return folder


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, counts their bytes, and lets them through at the speed of the line."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    sent = {}
    mbit = 0.0
    free_at = 0.0

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        rung = self.path.strip("/").split("/")[0]
        while piece := source.read(64 << 10):
            outputfile.write(piece)
            with Handler.lock:
                Handler.sent[rung] = Handler.sent.get(rung, 0) + len(piece)
                if not Handler.mbit:
                    continue
                now = time.monotonic()
                Handler.free_at = max(now, Handler.free_at) + len(piece) * 8 / Handler.mbit / 1e6
                wait = Handler.free_at - now
            time.sleep(max(0.0, wait))


def clips_of(recording, work, *more):
    """Makes the clips; how many there are."""
    (work / "streamliner.toml").write_text(
        "[paths]\ndata_dir = \"data\"\n[transcription]\nenabled = false\n[detection]\nmin_score = 0.0\n"
        f"max_clips = {CLIPS}\n[render]\npreset = \"ultrafast\"\n")
    made = subprocess.run(
        [BINARY, "process", recording, "--streamer=demo", "--dry-run", "--output-dir=out", *more], cwd=work, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if made.returncode:
        raise SystemExit(made.stderr)
    lengths = [float(subprocess.check_output(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", clip]))
        for clip in (work / "out/clips").glob("*.mp4")]
    return len(lengths), sum(lengths)


def download(base, folder, to):
    """Fetches all of the best rendition into a file."""
    names = [path.name for path in (folder / "1080p30").glob("*.ts")]
    names.sort(key=lambda name: int(name.split(".")[0]))

    def fetch(name):
        with urllib.request.urlopen(f"{base}/1080p30/{name}") as answer:
            return answer.read()

    with open(to, "wb") as file, concurrent.futures.ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        for begin in range(0, len(names), FETCHED_AT_ONCE):
            for body in pool.map(fetch, names[begin:begin + FETCHED_AT_ONCE]):
                file.write(body)


def measured(work):
    """What a way of doing it sends and takes: (bytes by rung, seconds, what it returned)."""
    Handler.sent, Handler.free_at = {}, 0.0
    begun = time.monotonic()
    result = work()
    return dict(Handler.sent), time.monotonic() - begun, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--mbit", type=float, default=0.0, help="the speed of the line; 0 is that of the loopback")
    parser.add_argument("--keep-full", action="store_true", help="measure --keep-full, too")
    parser.add_argument("--skip-everything", action="store_true", help="measure only the bytes")
    options = parser.parse_args()
    folder = ladder(options.minutes)
    Handler.mbit = options.mbit
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    whole = sum(path.stat().st_size for path in (folder / "1080p30").glob("*.ts"))
    low = sum(path.stat().st_size for path in (folder / "160p30").glob("*.ts"))
    print(f"{options.minutes} min: 1080p is {whole / 1e6:.0f} MB, 160p {low / 1e6:.0f} MB ({low / whole:.1%} of it)")

    def way(name, work):
        with tempfile.TemporaryDirectory(prefix="vod-bytes-", dir=TARGET) as scratch:
            sent, seconds, (clips, length) = measured(lambda: work(Path(scratch)))
        total = sum(sent.values())
        parts = ", ".join(f"{re.sub('m3u8$', 'list', rung)} {size / 1e6:.0f} MB" for rung, size in sorted(sent.items()))
        print(f"{name:<10} {clips} clips of {length:.0f} s in all: {total / 1e6:.0f} MB = {total / whole:.1%} of 1080p ({parts}), "
              f"{seconds:.1f} s", flush=True)
        return total, seconds

    def everything(scratch):
        file = scratch / "all.ts"
        download(base, folder, file)
        return clips_of(file, scratch)

    address = f"{base}/master.m3u8"
    fetched, seconds = way("selective", lambda scratch: clips_of(address, scratch))
    if options.keep_full:
        way("keep-full", lambda scratch: clips_of(address, scratch, "--keep-full"))
    if not options.skip_everything:
        _, slow = way("everything", everything)
        print(f"time: {seconds / slow:.2f} of downloading everything first, {slow / seconds:.1f} times faster")
    share = fetched / whole
    print(f"bytes: {share:.1%}, at most {TARGET_SHARE:.0%}:", "met" if share <= TARGET_SHARE else "MISSED")


if __name__ == "__main__":
    main()
