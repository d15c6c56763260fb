#!/usr/bin/env python3
"""How many live streams one machine watches, against the original's way of doing it.

A stand-in plays the fixture as a live stream (160p to 480p, segments of 2 s, real time, over loopback). `streamliner monitor` watches it under
as many names as asked for, each a stream of its own to it: fetched, recorded, decoded and listened to separately. No clips are made, so
what is measured is watching. Then a few streams are watched the original's way: an ffmpeg for each that records, another that extracts a
WAV from each buffer, and a 1 s RMS over it in numpy; from their processor time follows how many of those the machine would sustain.

    benches/live-streams.py [STREAMS [SECONDS]]      # 100 streams for 60 s unless told; needs numpy and a release build

Build first: cargo build --release -p streamliner-cli -p testkit --bins
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
# The monitor joins all streams and fetches what is in their windows before it is measured.
SETTLING_S = 20
# The original buffers this much before it looks at it (its default is 60 s; less favours it here, since nothing is left over).
BUFFER_S = 20
BASELINE_STREAMS = 4
HEIGHTS = (160, 360, 480)
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def processor_s(pid):
    """Processor time of a process, its threads and the children it has waited for, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def resident_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def stand_in(folder):
    config = folder / "stand-in.toml"
    process = subprocess.Popen(
        [PROGRAMS / "streamliner-standin", "--media", ROOT / "fixtures/arena-night.mp4", "--streamer", "demo",
         "--rungs", ",".join(map(str, HEIGHTS)), "--repeat", "--config-out", config, "--env-out", folder / ".env"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    process.stdout.readline()
    return process, config.read_text()


def kick_section(config):
    return re.search(r"\[kick\].*?(?=\n\[|\Z)", config, re.S).group(0)


def monitor(folder, config, count, seconds):
    streamers = "".join(f"[streamers.s{index}]\nchannel = \"demo\"\nquality = {HEIGHTS[index % len(HEIGHTS)]}\n"
                        for index in range(count))
    (folder / "streamliner.toml").write_text(
        "[paths]\ndata_dir = \"data\"\noutput_dir = \"out\"\n[detection]\nmin_score = 1.0\n[transcription]\nenabled = false\n"
        "[monitor]\nchat = false\npoll_interval_s = 15\n" + kick_section(config) + "\n" + streamers)
    process = subprocess.Popen([PROGRAMS / "streamliner", "-q", "monitor"], cwd=folder, stderr=subprocess.DEVNULL)

    def recorded():
        told = subprocess.run([PROGRAMS / "streamliner", "status", "--format", "json"], cwd=folder,
                              capture_output=True, check=True)
        return {one["name"]: one for one in json.loads(told.stdout)["streamers"]}

    time.sleep(SETTLING_S)
    first, first_at = recorded(), time.monotonic()
    before, began, most = processor_s(process.pid), time.monotonic(), 0.0
    while time.monotonic() - began < seconds:
        most = max(most, resident_mib(process.pid))
        time.sleep(1)
    spent, wall = processor_s(process.pid) - before, time.monotonic() - began
    last, last_at = recorded(), time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait()
    live = [one for one in last.values() if one["state"] == "live"]
    gaps = sum(one["gaps"] for one in live)
    # Seconds of stream recorded and listened to in a second; a stream that is not kept up with has fewer.
    paces = sorted((one["recorded_s"] - first[one["name"]]["recorded_s"]) / (last_at - first_at) for one in live)
    share = spent / wall / os.cpu_count()
    print(f"streamliner: {len(live)} of {count} streams live, {gaps} gaps, the slowest at {paces[0]:.2f} of real time")
    print(f"streamliner: {share * 100:.0f} % of {os.cpu_count()} cores, {most:.0f} MiB resident")
    return share, most


def original(folder, config, seconds):
    site = re.search(r'site_base = "([^"]+)"', config).group(1)
    request = urllib.request.Request(f"{site}/api/v2/channels/demo", headers={"User-Agent": "Mozilla/5.0"})
    url = json.load(urllib.request.urlopen(request))["playback_url"]
    measure = ("import sys, wave, numpy\n"
               "sound = numpy.frombuffer(wave.open(sys.argv[1]).readframes(1 << 30), numpy.int16).astype(numpy.float32)\n"
               "n = len(sound) // 16000\n"
               "print(numpy.sqrt((sound[: n * 16000].reshape(n, 16000) ** 2).mean(1)).max() if n else 0)\n")
    worker = (
        "import subprocess, sys, time, pathlib\n"
        f"url, name, seconds = sys.argv[1], sys.argv[2], {seconds}\n"
        "end = time.monotonic() + seconds\n"
        "while time.monotonic() < end:\n"
        f"    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', url, '-map', 'p:1?', '-c', 'copy', '-t', '{BUFFER_S}', name + '.ts'], check=False)\n"
        "    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', name + '.ts', '-ac', '1', '-ar', '16000', name + '.wav'], check=False)\n"
        f"    subprocess.run([sys.executable, '-c', {measure!r}, name + '.wav'], check=False, stdout=subprocess.DEVNULL)\n")
    workers = [subprocess.Popen([sys.executable, "-c", worker, url, str(folder / f"b{index}")], cwd=folder)
               for index in range(BASELINE_STREAMS)]
    began = time.monotonic()
    spent = 0.0
    for process in workers:
        _, _, usage = os.wait4(process.pid, 0)
        spent += usage.ru_utime + usage.ru_stime
    wall = time.monotonic() - began
    each = spent / wall / BASELINE_STREAMS
    sustained = os.cpu_count() / each
    print(f"the original's way: {each * 100:.1f} % of a core a stream, so {sustained:.0f} streams on {os.cpu_count()} cores")
    return sustained


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with tempfile.TemporaryDirectory(prefix="live-streams-") as name:
        folder = Path(name)
        process, config = stand_in(folder)
        try:
            share, most = monitor(folder, config, count, seconds)
            sustained = original(folder, config, seconds)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    ours = count / share * 1.0
    met = share < 0.60 and most < 1536
    print(f"streamliner at this rate: {ours:.0f} streams; {ours / sustained:.1f} times the original's way")
    print("under 60 % of the machine and 1.5 GB:", "met" if met else "MISSED")


if __name__ == "__main__":
    main()
