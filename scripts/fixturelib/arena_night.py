"""The fixture VOD: fixtures/arena-night.mp4, its truth, its transcript and its chat."""

import json
import tempfile
from pathlib import Path

import numpy as np

from . import chat, encode, picture, signal, story, strip
from .speech import Synthesizer

SEED = 2026
# Sound and picture together stay well under 8 MB.
VIDEO = ["-c:v", "libx264", "-profile:v", "high", "-preset", "slower", "-crf", "25", "-bf", "3", "-g", "150", "-threads", "1"]
AUDIO = ["-c:a", "aac", "-b:a", "96k", "-ar", "48000"]
# The number and the clock for people, under the strip.
TEXT = (
    "drawtext=font=DejaVu Sans Mono:fontcolor=white:fontsize=52:x=256:y=134:text='%{eif\\:n\\:d\\:5}',"
    "drawtext=font=DejaVu Sans Mono:fontcolor=0xffd25a:fontsize=52:x=640:y=134:text='%{pts\\:hms}'"
)


def make(folder):
    """Writes the VOD and what belongs to it into the folder."""
    track = story.Soundtrack(Synthesizer(), SEED)
    sound = track.mix()
    speech = sorted(track.speech, key=lambda sentence: sentence["start_s"])
    with tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "sound.wav"
        encode.write_wav(wav, sound)
        scale = f"scale=iw*{picture.SCALE}:ih*{picture.SCALE}:flags=neighbor:in_range=pc:out_range=tv:out_color_matrix=bt709"
        encode.ffmpeg_with_frames(
            picture.frames(_voice_level(track.voice)), picture.WIDTH, picture.HEIGHT, picture.RATE, "-i", wav,
            "-vf", f"{scale},format=yuv420p,{TEXT}", *VIDEO, *encode.BT709, *AUDIO, *encode.REPEATABLE,
            "-movflags", "+faststart", folder / "arena-night.mp4",
        )  # fmt: skip
    _write(folder / "arena-night.truth.json", _truth(track, speech))
    _write(folder / "arena-night.transcript.json", {"segments": [{k: s[k] for k in ("start_s", "end_s", "text", "words")} for s in speech]})
    with open(folder / "arena-night.chat.jsonl", "w") as out:
        out.writelines(json.dumps(message) + "\n" for message in chat.messages(np.random.default_rng(SEED), track.moments))


def _truth(track, speech):
    return {
        "duration_s": story.SECONDS,
        "fps": picture.RATE,
        "frames": picture.FRAMES,
        "width": picture.WIDTH * picture.SCALE,
        "height": picture.HEIGHT * picture.SCALE,
        "strip": strip.described(*(picture.SCALE * n for n in (picture.STRIP_X, picture.STRIP_Y, picture.STRIP_CELL))),
        "moments": track.moments,
        "distractors": [{"start_s": a, "end_s": b, "kind": kind} for a, b, kind in story.DISTRACTORS],
        "shots": [start for start, _ in story.SHOTS[1:]],
        "speech": speech,
    }


def _voice_level(voice):
    """The voice's loudness at each frame: 0 at silence, 1 at a shout."""
    hop = signal.RATE // picture.RATE
    rms = np.sqrt(np.mean(voice[: picture.FRAMES * hop].reshape(-1, hop) ** 2, axis=1) + 1e-9)
    return np.clip((20 * np.log10(rms) + 40) / 26, 0, 1)


def _write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")
