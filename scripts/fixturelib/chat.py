"""The chat of "arena night": a trickle of talk, bursts some seconds after each moment, and bursts that mean nothing."""

NAMES = [f"{first}{second}" for first in ("pixel", "mellow", "turbo", "cactus", "north", "rusty", "velvet", "gravel") for second in ("otter", "comet", "waffle", "kite", "badger")]
IDLE = ["hi all", "what rank is this", "how long have you been live", "nice map", "lag?", "first time here", "which settings do you use",
        "good evening", "lol", "the new update is ok I guess", "dinner time brb", "can you turn up the game", "hello from lisbon"]  # fmt: skip
REACTIONS = {
    "clutch": ["CLIP IT", "no way", "INSANE", "LETS GOOO", "WHAT", "POGGERS", "that was so clean", "clip that", "W", "omggg"],
    "laughter": ["LMAO", "hahahaha", "KEKW", "I'm crying", "LOL", "ahahaha", "clip it", "KEKW KEKW", "what was that"],
    "victory": ["GG", "LETS GO", "WWWW", "we won", "first place!!", "PogChamp", "vamoooos", "clip it", "unreal"],
    "scare": ["AAAAA", "he jumped", "LMAO the scream", "KEKW", "run run run", "monkaS", "clip that", "my ears", "rip headphones"],
}
# Unrelated activity: thanks after the alerts, complaints about the music.
SIDE = [(16.0, 12, ["W", "welcome!", "sub hype", "W W W"]), (55.0, 14, ["too loud", "music is loud", "banger", "song name?"]), (203.0, 10, ["raid!", "welcome raiders", "W raid"])]
# Messages a second when nothing happens, and how long after a moment's start chat begins, peaks and is quiet again.
IDLE_RATE = 0.35
DELAY, PEAK, LENGTH, BURST = 4.0, 11.0, 28.0, 46


def messages(rng, moments):
    """All messages in order of time."""
    found = []
    last = moments[-1]["end_s"] + 42
    at = rng.exponential(1 / IDLE_RATE)
    while at < last:
        found.append((at, IDLE))
        at += rng.exponential(1 / IDLE_RATE)
    for moment in moments:
        times = moment["start_s"] + rng.triangular(DELAY, PEAK, LENGTH, BURST)
        found += [(t, REACTIONS[moment["kind"]]) for t in times]
    for start, count, words in SIDE:
        found += [(start + t, words) for t in rng.triangular(0, 4, 14, count)]
    found.sort(key=lambda entry: entry[0])
    return [{"t_s": round(float(t), 2), "user": str(rng.choice(NAMES)), "text": str(rng.choice(words))} for t, words in found]
