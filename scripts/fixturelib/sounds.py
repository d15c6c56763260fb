"""Sounds without words: voices that scream, laugh and cheer, a game, a jukebox, a microphone that is knocked.

Voices are sums of harmonics, each as loud as a vowel's formants make its frequency at that moment, plus breath
through the same formants. Each function takes a numpy Generator and returns samples at RATE with an RMS of about 1
unless it says otherwise.
"""

import numpy as np

from .signal import RATE, at_rms, band, edges, shaped

# Formant frequencies and relative strengths of an adult voice, in Hz.
VOWELS = {
    "ah": ((780, 1.0), (1250, 0.7), (2700, 0.4), (3600, 0.25)),
    "eh": ((560, 1.0), (1850, 0.7), (2600, 0.45), (3600, 0.25)),
    "oo": ((380, 1.0), (820, 0.7), (2400, 0.2), (3400, 0.1)),
}
HARMONICS = 24


def _formants(vowel, size):
    def gain(frequency):
        total = np.full_like(frequency, 0.02, dtype=float)
        for centre, strength in VOWELS[vowel]:
            width = 60 + 0.09 * centre
            total = total + strength / (1 + ((frequency - centre * size) / (width * 1.6)) ** 2)
        return total

    return gain


def _slow_noise(rng, count, step):
    """Normal noise that has a new value every `step` samples and straight lines between."""
    knots = np.arange(0, count + step, step)
    return np.interp(np.arange(count), knots, rng.standard_normal(len(knots)))


def _voice(rng, pitch, vowel, size, breath, roughness):
    """A sung vowel that follows `pitch` (Hz, one value a sample)."""
    count = len(pitch)
    pitch = pitch * (1 + 0.012 * _slow_noise(rng, count, 480))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    gain = _formants(vowel, size)
    sound = np.zeros(count)
    for harmonic in range(1, HARMONICS + 1):
        frequency = harmonic * pitch
        sound += np.where(frequency < 9000, gain(frequency), 0) * harmonic**-0.5 * np.sin(harmonic * phase + harmonic)
    if roughness:
        growl = np.sin(phase / 2) + 0.6 * _slow_noise(rng, count, 96)
        sound *= 1 + roughness * growl
    air = shaped(rng.standard_normal(count), gain)
    return at_rms(sound, 0) + breath * at_rms(air, 0)


def scream(rng, seconds):
    """A rough, rising shout on one vowel that overloads the microphone."""
    count = round(seconds * RATE)
    t = np.arange(count) / RATE
    low, high = rng.uniform(320, 420), rng.uniform(520, 780)
    pitch = low + (high - low) * np.minimum(1, t / rng.uniform(0.15, 0.4)) - 60 * t / seconds
    pitch *= 1 + 0.02 * np.sin(2 * np.pi * rng.uniform(5, 7) * t)
    voice = _voice(rng, pitch, str(rng.choice(["ah", "eh"])), rng.uniform(1.05, 1.25), 0.2, 0.45)
    return at_rms(edges(np.tanh(1.6 * voice), 0.05, 0.2), 0)


def laugh(rng, seconds):
    """Bouts of "ha": a puff of breath and a short vowel, sinking in pitch and slowing down."""
    sound = np.zeros(round(seconds * RATE))
    at, size = 0.0, rng.uniform(1.0, 1.2)
    while at < seconds - 0.3:
        period, pitch, strength = rng.uniform(0.16, 0.2), rng.uniform(240, 400), 1.0
        for _ in range(int(rng.integers(5, 9))):
            count = round(period * RATE)
            if at + period > seconds:
                break
            t = np.arange(count) / count
            syllable = _voice(rng, np.full(count, pitch) * (1.1 - 0.2 * t), "ah", size, 0.25, 0.1)
            puff = 0.15 * rng.standard_normal(count) * np.clip(1 - t / 0.35, 0, 1)
            shape = np.clip((t - 0.2) / 0.15, 0, 1) * np.clip((0.9 - t) / 0.3, 0, 1)
            begin = round(at * RATE)
            piece = (syllable * shape + puff)[: len(sound) - begin] * strength
            sound[begin : begin + len(piece)] += piece
            at += period
            period *= 1.03
            pitch *= 0.97
            strength *= 0.93
        at += rng.uniform(0.2, 0.4)
    return at_rms(sound, 0)


def cheer(rng, seconds):
    """"Woo": three voices gliding up and down, none quite in tune."""
    count = round(seconds * RATE)
    arc = np.sin(np.pi * np.arange(count) / count) ** 0.6
    sound = np.zeros(count)
    for _ in range(3):
        pitch = rng.uniform(230, 330) * (1 + rng.uniform(0.5, 0.9) * arc)
        sound += _voice(rng, pitch, str(rng.choice(["oo", "ah"])), rng.uniform(1.0, 1.2), 0.12, 0.15)
    return at_rms(edges(sound, 0.08, 0.25), 0)


def pink_noise(rng, seconds):
    """Noise with equal power in every octave above 20 Hz."""
    return at_rms(shaped(rng.standard_normal(round(seconds * RATE)), lambda f: 1 / np.sqrt(np.maximum(f, 20))), 0)


def explosion(rng):
    """A crack, then rumble that dies away over a second or so."""
    seconds = rng.uniform(0.8, 1.6)
    t = np.arange(round(seconds * RATE)) / RATE
    rumble = at_rms(band(rng.standard_normal(len(t)), 35, 220), 0) * np.exp(-3.2 * t)
    crack = band(rng.standard_normal(len(t)), 300, 6000) * np.exp(-14 * t)
    return edges(rumble + 1.5 * crack, 0.002, 0.1)


def shot(rng):
    """One gunshot, a tenth of a second."""
    t = np.arange(round(0.12 * RATE)) / RATE
    return edges(band(rng.standard_normal(len(t)), 500, 7000) * np.exp(-40 * t), 0.001, 0.02) * 2


def knock(rng):
    """A hand against the microphone: a low thump whose peak is full scale (1.0)."""
    t = np.arange(round(rng.uniform(0.08, 0.2) * RATE)) / RATE
    thump = np.sin(2 * np.pi * rng.uniform(45, 80) * t) * np.exp(-18 * t) + 0.25 * band(rng.standard_normal(len(t)), 100, 900) * np.exp(-40 * t)
    thump = edges(thump, 0.002, 0.02)
    return thump / np.abs(thump).max()


def jingle(rng):
    """The bells of an alert, a second and a half."""
    sound = np.zeros(round(1.6 * RATE))
    for index, pitch in enumerate((784, 988, 1175, 1568)):
        begin = round(index * 0.16 * RATE)
        t = np.arange(len(sound) - begin) / RATE
        sound[begin:] += sum(np.sin(2 * np.pi * pitch * k * t) / k**1.5 for k in (1, 2, 3)) * np.exp(-4.5 * t)
    return at_rms(edges(sound, 0.003, 0.1), 0)


def music(rng, seconds, beats_a_minute, root):
    """Four chords over drums and bass; `root` is the lowest note in Hz."""
    count, beat = round(seconds * RATE), 60 / beats_a_minute
    sound = np.zeros(count)

    def play(at, note):
        begin = round(at * RATE)
        if begin < count:
            note = note[: count - begin]
            sound[begin : begin + len(note)] += note

    def tone(pitch, length, loudness):
        t = np.arange(round(length * RATE)) / RATE
        waves = sum(np.sin(2 * np.pi * pitch * k * t) / k**1.4 for k in range(1, 6))
        return edges(loudness * waves * np.exp(-t / length), 0.008, 0.03)

    kick_time = np.arange(round(0.16 * RATE)) / RATE
    kick = 1.6 * np.sin(2 * np.pi * (50 * kick_time - 6 * np.exp(-30 * kick_time))) * np.exp(-16 * kick_time)
    snare_time = np.arange(round(0.14 * RATE)) / RATE
    snare = at_rms(band(rng.standard_normal(len(snare_time)), 900, 6000), -2) * np.exp(-22 * snare_time)
    for index in range(int(seconds / beat) + 1):
        at = index * beat
        chord = [root * 2 ** (step / 12) for step in ((0, 7, 12, 16), (-4, 8, 12, 15), (3, 7, 10, 15), (-2, 10, 14, 17))[index // 4 % 4]]
        if index % 4 == 0:
            for pitch in chord:
                play(at, tone(pitch * 2, 4 * beat, 0.25))
        play(at, tone(chord[0], beat * 0.9, 0.7))
        play(at, tone(float(rng.choice(chord[1:])) * 4, beat * 0.5, 0.3))
        play(at + beat / 2, tone(float(rng.choice(chord[1:])) * 4, beat * 0.4, 0.22))
        play(at, kick if index % 2 == 0 else snare)
    return at_rms(sound, 0)
