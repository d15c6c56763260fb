"""Media that is hard to read right: fixtures/awkward.ts and the small files of fixtures/awkward/, with their truth.

In all of them the strip shows the number that a frame has at a constant 30 frames a second, so number / 30 is its true time
however the file stores it.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from . import encode, signal, sounds, strip
from .speech import Synthesizer, Voice

RATE, WIDTH, HEIGHT, CELL = 30, 640, 360, 16
STRIP_X, STRIP_Y = 128, 48
TALKER = Voice("en-us+m3", 165, 42, 45)
SHOUTER = Voice("en-us+m3", 200, 76, 80, 1.10)
VIDEO = ["-c:v", "libx264", "-profile:v", "high", "-preset", "medium", "-crf", "27", "-bf", "2", "-g", "60", "-threads", "1"]
AUDIO = ["-c:a", "aac", "-b:a", "64k", "-ar", "48000", "-ac", "2"]

TS_SECONDS = 30
# Sound begins this much after picture, and the file's clock starts here instead of at zero.
AUDIO_LATE, CLOCK_START = 1.0, 97.25
# From here to there every second frame is missing: a variable frame rate.
SPARSE = (8, 16)
# The share of the file at which bytes are overwritten, and how many transport packets.
DAMAGE_AT, DAMAGED_PACKETS, PACKET = 0.62, 130, 188


def make(folder):
    """Writes all awkward files."""
    synthesizer = Synthesizer()
    (folder / "awkward").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        _transport_stream(synthesizer, folder, scratch)
        _small_files(synthesizer, folder / "awkward", scratch)


def _frames(seconds):
    for number in range(seconds * RATE):
        frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        frame[:] = (50, 70, 100) if number // (5 * RATE) % 2 == 0 else (96, 60, 50)
        left = 40 + number * 4 % 560
        frame[240:280, left : left + 40] = (230, 200, 80)
        strip.draw(frame, number, STRIP_X, STRIP_Y, CELL)
        yield frame


def _sound(synthesizer, seconds, lines):
    """Pink noise with what is said over it: lines are (start, text, shouted)."""
    rng = np.random.default_rng(7)
    sound = signal.at_rms(sounds.pink_noise(rng, seconds), -50)
    speech = []
    for start, text, shouted in lines:
        sentence = synthesizer.say(text, SHOUTER if shouted else TALKER, -17 if shouted else -26)
        signal.add(sound, sentence.sound, start)
        speech.append({"start_s": start, "end_s": round(start + sentence.seconds, 3), "text": text})
    return sound, speech


def _encode(frames, arguments):
    to_yuv = f"{encode.TO_BT709},format=yuv420p"
    filters = [a for a in arguments if str(a).startswith("select")]
    rest = [a for a in arguments if a not in filters]
    encode.ffmpeg_with_frames(frames, WIDTH, HEIGHT, RATE, *rest[:-1], "-vf", ",".join([to_yuv, *filters]), *encode.BT709, *encode.REPEATABLE, rest[-1])


def _transport_stream(synthesizer, folder, scratch):
    lines = [(2.0, "Welcome back to the stream.", False), (5.0, "The new update is really good.", False), (9.0, "Let me check the chat.", False),
             (13.0, "Oh my god, no way!", True), (14.2, "That was insane!", True), (15.2, "Let's go, let's go!", True),
             (20.0, "I need some water.", False), (25.0, "See you tomorrow.", False)]  # fmt: skip
    sound, speech = _sound(synthesizer, TS_SECONDS, lines)
    # The first second of sound was never recorded; the rest stays where it belongs.
    encode.write_wav(scratch / "late.wav", sound[round(AUDIO_LATE * signal.RATE) :])
    whole, target = scratch / "whole.ts", folder / "awkward.ts"
    sparse = f"select='not(between(t,{SPARSE[0]},{SPARSE[1]}))+not(mod(n,2))'"
    _encode(_frames(TS_SECONDS), ["-itsoffset", AUDIO_LATE, "-i", scratch / "late.wav", sparse, "-fps_mode", "vfr", *VIDEO, *AUDIO,
                                  "-muxdelay", 0, "-muxpreload", 0, "-output_ts_offset", CLOCK_START, whole])  # fmt: skip
    data = bytearray(whole.read_bytes())
    start = int(len(data) * DAMAGE_AT) // PACKET * PACKET
    end = start + DAMAGED_PACKETS * PACKET
    data[start:end] = np.random.default_rng(11).integers(0, 256, end - start, dtype=np.uint8).tobytes()
    target.write_bytes(data)
    packets = _packets(whole)
    clock = min(time for time, _, _, _ in packets)
    video_clock = min(time for time, _, kind, _ in packets if kind == "video")
    inside = [(time - video_clock, kind) for time, position, kind, _ in packets if start - 8 * PACKET <= position < end]
    back = min(time for time, position, kind, flags in packets if kind == "video" and position >= end and "K" in flags)
    truth = {
        "duration_s": TS_SECONDS,
        "fps": RATE,
        "clock_start_s": round(clock, 6),
        "video_start_s": 0.0,
        "audio_start_s": round(min(time for time, _, kind, _ in packets if kind == "audio") - video_clock, 6),
        "frames": sum(1 for _, _, kind, _ in packets if kind == "video"),
        "sparse": {"start_s": SPARSE[0], "end_s": SPARSE[1], "every": 2},
        "damage": {
            "first_byte": start,
            "end_byte": end,
            "start_s": round(min(time for time, _ in inside), 3),
            "end_s": round(max(time for time, _ in inside) + 0.1, 3),
            "picture_back_s": round(back - video_clock, 3),
            "audio_packets": sum(1 for _, kind in inside if kind == "audio"),
            "video_packets": sum(1 for _, kind in inside if kind == "video"),
        },
        "width": WIDTH,
        "height": HEIGHT,
        "strip": strip.described(STRIP_X, STRIP_Y, CELL),
        "moments": [{"start_s": 13.0, "end_s": speech[5]["end_s"], "kind": "clutch"}],
        "speech": speech,
    }
    (folder / "awkward.truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def _packets(path):
    """(presentation time, byte position, stream kind, flags) of every packet."""
    lines = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,pts_time,pos,flags", "-of", "csv=p=0", str(path)], check=True, capture_output=True, text=True
    ).stdout.split()
    return [(float(time), int(position), kind, flags) for kind, time, position, flags in (line.split(",")[:4] for line in lines)]


def _small_files(synthesizer, folder, scratch):
    sound, _ = _sound(synthesizer, 4, [(0.4, "Welcome back to the stream.", False), (2.5, "Oh my god, no way!", True)])
    encode.write_wav(scratch / "talk.wav", sound)
    t = np.arange(4 * signal.RATE) / signal.RATE
    encode.write_wav(scratch / "tone.wav", signal.level(-20) * np.sin(2 * np.pi * 1000 * t))
    talk, tone = ["-i", scratch / "talk.wav"], ["-i", scratch / "tone.wav"]
    mp4 = ["-movflags", "+faststart"]

    # Variable frame rate, and an edit list that hides the first 1.2 s, which begin at a key frame.
    vfr = scratch / "vfr.mp4"
    _encode(_frames(4), [*talk, "select='lt(t,2)+not(mod(n,3))'", "-fps_mode", "vfr", *VIDEO, *AUDIO, *mp4, vfr])
    encode.ffmpeg("-ss", 1.2, "-i", vfr, "-c", "copy", *encode.REPEATABLE, *mp4, folder / "vfr.mp4")

    encode.ffmpeg(*talk, *AUDIO, *encode.REPEATABLE, *mp4, folder / "audio-only.m4a")
    _encode(_frames(3), [*VIDEO, *mp4, folder / "no-audio.mp4"])
    _encode(_frames(4), [*talk, *tone, "-map", "0:v", "-map", "1:a", "-map", "2:a", *VIDEO, *AUDIO, "-metadata:s:a:0", "language=eng",
                         "-metadata:s:a:1", "language=spa", "-disposition:a:0", "0", "-disposition:a:1", "default", folder / "two-tracks.mkv"])  # fmt: skip

    upright = scratch / "upright.mp4"
    _encode(_frames(3), [*talk, "-shortest", *VIDEO, *AUDIO, upright])
    encode.ffmpeg("-i", upright, "-c", "copy", "-fflags", "+bitexact", "-metadata:s:v:0", "rotate=90", *mp4, folder / "rotated.mp4")
    truth = {
        "width": WIDTH,
        "height": HEIGHT,
        "fps": RATE,
        "strip": strip.described(STRIP_X, STRIP_Y, CELL),
        "files": {
            "vfr.mp4": {"duration_s": 2.8, "first_number": 36, "sparse_from_number": 60, "every": 3},
            "audio-only.m4a": {"duration_s": 4.0},
            "no-audio.mp4": {"duration_s": 3.0, "frames": 90},
            "two-tracks.mkv": {"duration_s": 4.0, "frames": 120, "picture_and_sound_start_s": 0.021, "tracks": ["speech", "a 1000 Hz tone (default)"]},
            "rotated.mp4": {"duration_s": 3.0, "frames": 90, "rotation_degrees": 90},
        },
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
