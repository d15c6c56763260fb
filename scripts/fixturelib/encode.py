"""Encoding with ffmpeg, the same bytes every time on one version of it."""

import subprocess
import wave

import numpy as np

from . import signal

QUIET = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
# No version strings in the file, and one encoder thread: both would change the bytes from machine to machine.
REPEATABLE = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]
BT709 = ["-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
TO_BT709 = "scale=in_range=pc:out_range=tv:out_color_matrix=bt709"


def ffmpeg(*arguments):
    """Runs ffmpeg to its end."""
    subprocess.run([*QUIET, *map(str, arguments)], check=True)


def ffmpeg_with_frames(frames, width, height, rate, *arguments):
    """Runs ffmpeg with raw RGB frames as its first input."""
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]
    process = subprocess.Popen([*[a for a in QUIET if a != "-nostdin"], *source, *map(str, arguments)], stdin=subprocess.PIPE)
    with process.stdin as pipe:
        for frame in frames:
            pipe.write(frame.tobytes())
    if process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)


def write_wav(path, sound):
    """Writes mono or stereo samples as 16-bit WAV. The dither is none: silence stays digital silence."""
    samples = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(signal.RATE)
        out.writeframes(samples.tobytes())
