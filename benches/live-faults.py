#!/usr/bin/env python3
"""An hour of stream on which everything goes wrong: what `streamliner monitor` records and cuts of it.

For each seed a stand-in plays the fixture over and over as a live stream of Kick, faster than real, with a fault of every kind in an order and
at places drawn from the seed. `streamliner monitor` watches it until it is over. Then every recorded segment is compared with the stream's own,
every marked gap with what is truly missing, and the frame numbers of every clip with one another.

    benches/live-faults.py [SEED ...]      # 1 2 3 unless told; an hour each at 15 times its pace is four minutes and rendering

SEGMENTS (1800, of 2 s) and PACE (15) may be set in the environment. PROFILE=debug uses what `cargo test` built.
Build first: cargo build --release -p streamliner-cli -p testkit --bins
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("PROFILE", "release")
SEGMENTS = os.environ.get("SEGMENTS", "1800")
PACE = os.environ.get("PACE", "15")
# Rendering takes far longer than the rest; these are enough to come upon gaps.
LIMITS = "clips_per_hour = 6\nclips_per_day = 0\ncooldown_s = 0"
COLUMNS = ("seed", "faults", "segments", "obtainable", "once", "twice", "wanting", "strangers", "missing", "gaps", "unmarked", "clips", "torn",
           "crashes")


def trial(seed, folder):
    stand_in = subprocess.Popen(
        [PROGRAMS / "streamliner-faults", "--seed", str(seed), "--segments", SEGMENTS, "--pace", PACE, "--folder", folder, "--config", LIMITS],
        stdout=subprocess.PIPE, text=True)
    try:
        if stand_in.stdout.readline().strip() != "ready":
            sys.exit("the stand-in does not start")
        with open(folder / "monitor.log", "w", encoding="utf-8") as log:
            monitor = subprocess.run([PROGRAMS / "streamliner", "-v", "monitor", "--exit-when-idle"], cwd=folder, stderr=log, check=False)
        stand_in.send_signal(signal.SIGINT)
        figures = json.loads(stand_in.communicate()[0])
    finally:
        stand_in.kill()
        stand_in.wait()
    said = (folder / "monitor.log").read_text(encoding="utf-8")
    figures["crashes"] = int(monitor.returncode != 0) + said.count("panicked")
    figures["seed"] = seed
    return figures, said


def main():
    seeds = [int(seed) for seed in sys.argv[1:]] or [1, 2, 3]
    wrong = []
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "--:|" * len(COLUMNS), flush=True)
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="live-faults-") as name:
            folder = Path(name)
            figures, said = trial(seed, folder)
            print("| " + " | ".join(str(figures[column]) for column in COLUMNS) + " |", flush=True)
            is_good = figures["missing"] == figures["gaps"] and not any(
                figures[column] for column in ("twice", "wanting", "strangers", "unmarked", "torn", "crashes"))
            if not is_good:
                wrong.append(seed)
                kept = Path(tempfile.gettempdir()) / f"live-faults-{seed}.log"
                faults = (folder / "faults.txt").read_text(encoding="utf-8")
                kept.write_text(json.dumps(figures, indent=1) + "\n" + faults + said, encoding="utf-8")
                print(f"seed {seed}: see {kept}", file=sys.stderr)
    print("everything that could be had is recorded once, every loss is one gap, no clip is torn:", "no" if wrong else "yes")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
