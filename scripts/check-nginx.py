"""What check-nginx.sh measures of one recording: KIND, its folder, and nginx's access log."""

import array
import collections
import json
import pathlib
import re
import subprocess
import sys

RATE = 48_000
SYNC_MS = 20.0


def output(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True).stdout


def pictures(path):
    """When each picture is shown, and its mean brightness."""
    found = json.loads(output("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                              "frame=best_effort_timestamp_time", "-of", "json", path))
    times = [float(frame["best_effort_timestamp_time"]) for frame in found["frames"]]
    levels = output("ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-vf", "format=gray,scale=1:1:flags=area",
                    "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    assert len(times) == len(levels), f"{len(times)} times of {len(levels)} pictures"
    return times, levels


def beeps(path):
    """When each beep begins, by the timestamps of the file."""
    first = json.loads(output("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts_time",
                              "-read_intervals", "%+#1", "-of", "json", path))["packets"][0]["pts_time"]
    samples = array.array("f", output("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-ac", "1", "-ar", str(RATE),
                                      "-f", "f32le", "-"))
    starts, last = [], -RATE
    for index, sample in enumerate(samples):
        if abs(sample) > 0.05:
            if index - last > RATE // 5:
                starts.append(float(first) + index / RATE)
            last = index
    return starts


def main():
    kind, folder, log = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).read_text()
    entries = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    segments = [entry for entry in entries if entry["kind"] == "segment"]
    gaps = [entry for entry in entries if entry["kind"] == "gap"]
    asked = collections.Counter(re.findall(rf'"GET /{kind}/(live\d+\.(?:ts|m4s))', log))
    whole = folder / "whole.bin"
    with whole.open("wb") as file:
        if segments[0].get("init"):
            file.write((folder / segments[0]["init"]).read_bytes())
        for segment in segments:
            file.write((folder / "segments" / segment["file"]).read_bytes())
    times, levels = pictures(str(whole))
    steps = [later - earlier for earlier, later in zip(times, times[1:])]
    flashes = [time for time, before, level in zip(times[1:], levels, levels[1:]) if before < 128 <= level]
    heard = beeps(str(whole))
    offsets = [min((beep - flash for beep in heard), key=abs) * 1000 for flash in flashes]
    worst = max(map(abs, offsets))
    missing = sum(step > 0.05 for step in steps)
    again = sum(count > 1 for count in asked.values())
    print(f"{kind:5}: {len(segments)} segments recorded, {len(asked)} fetched, {again} of them more than once; "
          f"{len(gaps)} gaps; {len(times)} pictures, {missing} holes between them; "
          f"sound is at most {worst:.1f} ms from picture in {len(offsets)} flashes")
    if gaps or again or missing or len(asked) != len(segments) or worst >= SYNC_MS:
        sys.exit(f"check-nginx: {kind} is not as it should be")


main()
