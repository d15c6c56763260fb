"""Speech by espeak-ng, called through its C library because only that tells when each word begins."""

import ctypes
from dataclasses import dataclass, field

import numpy as np

from .signal import RATE, at_rms, resampled

# Values of the public C interface, speak_lib.h.
SYNCHRONOUS, UTF8 = 2, 1
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4
EVENT_LIST_END, EVENT_WORD = 0, 1
# Quieter than this share of the loudest 10 ms is silence at the ends of a sentence.
AUDIBLE = 0.012


@dataclass(frozen=True)
class Voice:
    """A speaker: words a minute, pitch and its range on espeak's scale of 0 to 99, and a factor on pitch and speed."""

    name: str
    rate: int
    pitch: int
    range: int
    lift: float = 1.0


@dataclass
class Sentence:
    """A spoken sentence: samples at RATE and, in seconds from its start, (start, end, text) of each word."""

    text: str
    sound: np.ndarray
    words: list = field(default_factory=list)

    @property
    def seconds(self):
        return len(self.sound) / RATE


class _Event(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("value", ctypes.c_int64),
    ]


class Synthesizer:
    """One espeak-ng engine. The library keeps global state, so make only one."""

    def __init__(self):
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(SYNCHRONOUS, 200, None, 0)
        self._blocks, self._marks = [], []
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self._callback = prototype(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, count, events):
        if samples and count > 0:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events and events[index].kind != EVENT_LIST_END:
            if events[index].kind == EVENT_WORD:
                self._marks.append((events[index].text_position - 1, events[index].audio_ms / 1000))
            index += 1
        return 0

    def say(self, text, voice, rms):
        """The sentence at this RMS in dBFS, without silence at its ends."""
        self._blocks.clear()
        self._marks.clear()
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice.name}")
        for parameter, value in ((PARAMETER_RATE, voice.rate), (PARAMETER_PITCH, voice.pitch), (PARAMETER_RANGE, voice.range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        raw = np.concatenate(self._blocks) / 32768
        starts = _word_starts(text, self._marks, len(raw) / self._rate)
        sound = resampled(raw, self._rate * voice.lift, RATE)
        first, last = _audible_part(sound)
        end = (last - first) / RATE
        starts = [min(max(start / voice.lift - first / RATE, 0.0), end) for start in starts]
        words = [(a, b, word) for a, b, word in zip(starts, starts[1:] + [end], text.split())]
        return Sentence(text, at_rms(sound[first:last], rms), words)


def _word_starts(text, marks, seconds):
    """When each word begins. espeak merges words such as "of the": those share their time by length."""
    words, positions, cursor = text.split(), [], 0
    for word in words:
        cursor = text.index(word, cursor)
        positions.append(cursor)
        cursor += len(word)
    starts = [None] * len(words)
    for position, time in marks:
        owner = max(i for i, begin in enumerate(positions) if begin <= max(position, 0))
        if starts[owner] is None:
            starts[owner] = time
    starts[0] = starts[0] or 0.0
    known = [i for i, start in enumerate(starts) if start is not None] + [len(words)]
    for left, right in zip(known, known[1:]):
        until = seconds if right == len(words) else starts[right]
        letters = [len(word) for word in words[left:right]]
        for k in range(1, right - left):
            starts[left + k] = starts[left] + (until - starts[left]) * sum(letters[:k]) / sum(letters)
    return starts


def _audible_part(sound):
    hop = RATE // 100
    frames = sound[: len(sound) // hop * hop].reshape(-1, hop)
    loud = np.sqrt(np.mean(frames**2, axis=1))
    audible = np.nonzero(loud > AUDIBLE * loud.max())[0]
    return audible[0] * hop, (audible[-1] + 1) * hop
