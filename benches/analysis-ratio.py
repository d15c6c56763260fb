#!/usr/bin/env python3
"""How long listening to a whole recording takes, against two baselines, and how much memory it needs.

    benches/analysis-ratio.py [--rounds 3] [--no-build] [--memory-only]

On one hour of AAC (48 kHz, stereo) in one run on one machine:

    detect       streamliner detect --no-transcribe
    bare         decoding the same file with symphonia on one thread, and nothing else   (detect at most 1.35 times that)
    ffmpeg-rms   ffmpeg decodes to a 16 kHz WAV, numpy takes the level of each second    (detect at least 2 times faster)

The programs take turns, and the best of the rounds counts: what else the machine does only ever adds time. Memory is the most
that `detect` ever had resident, for one hour and for ten; the ten are the one joined ten times, without encoding.

Needs ffmpeg and numpy. The files are kept in target/bench-media (640 MB).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "fixtures" / "arena-night.mp4"

# What the original did to learn how loud each second is.
RMS = """
import sys, time, wave
import numpy
started = time.perf_counter()
with wave.open(sys.argv[1]) as file:
    rate, samples = file.getframerate(), numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)
seconds = samples[: len(samples) // rate * rate].reshape(-1, rate).astype(numpy.float32)
loudness = numpy.sqrt((seconds**2).mean(axis=1))
print(len(loudness), time.perf_counter() - started)
"""


def target_folder():
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    found = subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True, text=True)
    return pathlib.Path(json.loads(found.stdout)["target_directory"])


def build():
    # One command, so that both have their dependencies with the same features.
    packages = ["-p", "streamliner-cli", "-p", "streamliner-benches"]
    subprocess.run(["cargo", "build", "--release", "--quiet", *packages, "--bins"], cwd=ROOT, check=True)


def ffmpeg(*arguments):
    quiet = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    subprocess.run([*quiet, *map(str, arguments)], check=True)


def one_hour(folder):
    """The fixture's talk, shouts, music and game sounds over and over, under noise that never repeats."""
    path = folder / "hour.m4a"
    if not path.exists():
        partial = folder / "hour.partial.m4a"
        noise = "anoisesrc=color=pink:amplitude=0.02:sample_rate=48000:seed=1:duration=3600"
        mix = "[0:a:0]aresample=48000[a];[1:a][a]amix=inputs=2:duration=first:normalize=0[m]"
        ffmpeg("-stream_loop", "-1", "-i", FIXTURE, "-f", "lavfi", "-i", noise, "-filter_complex", mix,
               "-map", "[m]", "-t", "3600", "-ac", "2", "-c:a", "aac", "-b:a", "128k", partial)
        partial.rename(path)
    return path


def ten_hours(folder, hour):
    path = folder / "ten-hours.m4a"
    if not path.exists():
        partial = folder / "ten-hours.partial.m4a"
        ffmpeg("-stream_loop", "9", "-i", hour, "-c", "copy", partial)
        partial.rename(path)
    return path


def run(command):
    """Seconds by the clock, seconds of processor time and MiB resident at most."""
    started = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed: {errors.decode(errors='replace')}")
    unit = 1 if sys.platform == "darwin" else 1024
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20


def ffmpeg_rms(hour, folder):
    wav = folder / "hour.wav"
    started = time.perf_counter()
    ffmpeg("-i", hour, "-vn", "-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le", wav)
    decoded = time.perf_counter() - started
    level = subprocess.run([sys.executable, "-c", RMS, wav], check=True, capture_output=True, text=True)
    wav.unlink()
    # The start of Python and the import of numpy are not counted against it.
    return decoded + float(level.stdout.split()[1])


def verdict(name, value, unit, wanted, met):
    print(f"{name:<24} {value:8.2f} {unit:<4} {wanted}: {'met' if met else 'MISSED'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-build", action="store_true", help="take the programs that are there")
    parser.add_argument("--memory-only", action="store_true")
    options = parser.parse_args()
    target = target_folder()
    folder = target / "bench-media"
    folder.mkdir(parents=True, exist_ok=True)
    if not options.no_build:
        build()
    hour = one_hour(folder)
    detect = [target / "release" / "streamliner", "--quiet", "detect", "--no-transcribe", "--format", "json"]
    bare = target / "release" / "bare-decode"

    # Memory first: a program that Python starts is charged with what Python itself has, which is little now.
    memory = {hours: run([*detect, path])[2] for hours, path in ((1, hour), (10, ten_hours(folder, hour)))}
    growth = (memory[10] - memory[1]) / 9
    verdict("memory, 1 hour", memory[1], "MiB", "below 150", memory[1] < 150)
    verdict("memory, 10 hours", memory[10], "MiB", "below 150", memory[10] < 150)
    # Of an MP4 the index must be held: 170,000 packets an hour.
    verdict("growth an hour", growth, "MiB", "at most 2, the index of the file", growth <= 2)
    if options.memory_only:
        return

    best = {}
    for number in range(options.rounds):
        clocks = {
            "bare": run([bare, hour]),
            "detect": run([*detect, hour]),
            "ffmpeg-rms": (ffmpeg_rms(hour, folder), 0.0),
        }
        for name, times in clocks.items():
            best[name] = min(best.get(name, times), times, key=lambda pair: pair[0])
        text = ", ".join(f"{name} {times[0]:.2f} s" for name, times in clocks.items())
        print(f"round {number + 1}: {text} (load {os.getloadavg()[0]:.1f})", file=sys.stderr)
    for name in ("bare", "detect"):
        print(f"{name:<24} {best[name][0]:8.2f} s    {best[name][1]:.2f} s of processor time, "
              f"{3600 / best[name][0]:.0f} times real time")
    print(f"{'ffmpeg-rms':<24} {best['ffmpeg-rms'][0]:8.2f} s")
    ratio = best["detect"][0] / best["bare"][0]
    faster = best["ffmpeg-rms"][0] / best["detect"][0]
    verdict("detect / bare", ratio, "", "at most 1.35", ratio <= 1.35)
    verdict("ffmpeg-rms / detect", faster, "", "at least 2", faster >= 2)


if __name__ == "__main__":
    main()
