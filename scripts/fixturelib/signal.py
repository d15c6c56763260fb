"""Small tools for sampled sound: levels, spectral shaping, resampling, mixing. Everything is mono float at RATE."""

import numpy as np

RATE = 48_000


def level(decibels):
    """The amplitude factor of a level in dB."""
    return 10 ** (decibels / 20)


def at_rms(sound, decibels):
    """The sound with this RMS, in dBFS."""
    return sound * (level(decibels) / (np.sqrt(np.mean(sound**2)) + 1e-12))


def shaped(sound, gain_at):
    """The sound with its spectrum multiplied by gain_at(frequencies in Hz)."""
    spectrum = np.fft.rfft(sound)
    return np.fft.irfft(spectrum * gain_at(np.fft.rfftfreq(len(sound), 1 / RATE)), len(sound))


def band(sound, low, high):
    """The part between two frequencies, with edges an octave wide."""
    return shaped(sound, lambda f: 1 / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4))


def resampled(sound, rate_in, rate_out):
    """Band-limited change of sample rate."""
    length = round(len(sound) * rate_out / rate_in)
    spectrum = np.fft.rfft(sound)
    bins = length // 2 + 1
    if bins <= len(spectrum):
        spectrum = spectrum[:bins]
    else:
        spectrum = np.concatenate([spectrum, np.zeros(bins - len(spectrum))])
    return np.fft.irfft(spectrum, length) * (length / len(sound))


def edges(sound, attack, release):
    """Straight fades at both ends, in seconds."""
    t = np.arange(len(sound)) / RATE
    rise = np.minimum(1, t / attack)
    fall = np.minimum(1, (len(sound) / RATE - t) / release)
    return sound * rise * np.clip(fall, 0, 1)


def add(track, sound, start):
    """Mixes a sound into a track, which may end before the sound does."""
    first = round(start * RATE)
    room = track[first : first + len(sound)]
    room += sound[: len(room)]
