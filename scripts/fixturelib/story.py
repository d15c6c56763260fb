"""What happens in "arena night", the fixture VOD, second by second, and the soundtrack of it.

Levels follow what streams look like: talk at -26 dBFS, reactions 6 to 10 dB above it, and around them everything that
a detector could take for a reaction: louder music, alerts with speech, a firefight, knocks, a gain step, silence.
"""

import numpy as np

from . import sounds
from .signal import RATE, add, at_rms, edges, level
from .speech import Voice

SECONDS = 216
TALK, BED = -26.0, -44.0

STREAMER = Voice("en-us+m3", 160, 42, 45)
EXCITED = Voice("en-us+m3", 200, 76, 80, 1.10)
ALERT = Voice("en-us+f2", 160, 55, 45)

# Shot changes of the picture, in seconds: what the game shows from then on.
SHOTS = [
    (0.0, "lobby"), (13.0, "plaza"), (33.5, "arena"), (45.0, "plaza"), (51.0, "show"), (68.0, "runner"), (87.0, "lobby"),
    (94.0, "arena"), (108.0, "runner"), (125.0, "arena"), (138.0, "lobby"), (150.0, "cave"), (173.0, "plaza"), (193.0, "runner"),
    (206.0, "lobby"),
]  # fmt: skip

# What the streamer says calmly: (from, to, sentences); a passage ends early when its sentences are said.
TALKS = [
    (0.6, 12.6, ["Welcome back to the stream.", "How is everyone doing today?", "It was a long day, but I'm happy to be here.",
                 "Today we are going to play some ranked games."]),
    (19.0, 34.0, ["Thank you so much.", "Let me check the chat.", "The new update is really good.", "I want to try the new map.",
                  "They are coming from the left.", "There's one on the right.", "I think he's one shot."]),
    (44.2, 50.6, ["Good game, everyone.", "I need some water.", "Give me a second."]),
    (67.4, 75.9, ["The music is too loud.", "Can you hear me now?", "Let me fix the audio settings.", "Keep running."]),
    (85.6, 94.0, ["I love this game.", "So let me tell you a story.", "Last night I played this map for three hours."]),
    (106.6, 115.4, ["We need more ammo.", "Let me try that again.", "Just one more round.", "I will be right back."]),
    (118.2, 125.8, ["Welcome back to the stream.", "We have to win this.", "One more hit.", "I think we can win this."]),
    (136.4, 141.4, ["Thank you for watching.", "I need a break."]),
    (145.2, 147.2, ["Can you hear me now?"]),
    (154.6, 162.8, ["This map is my favorite.", "Where is everyone?", "Wait, wait, wait.", "Where is he?"]),
    (172.6, 178.0, ["I need some more coffee.", "The new character is really hard."]),
    (194.0, 200.6, ["Who wants to play with me?", "I want to play the new character."]),
    (206.2, 215.0, ["Thank you everyone.", "Don't forget to follow the channel.", "See you tomorrow.", "Good night, everyone."]),
]  # fmt: skip

# The true moments: (start, kind, reactions one after another). A string is shouted; a pair is a voice without words and its seconds.
MOMENTS = [
    (35.0, "clutch", [("scream", 0.7), "Oh my god, no way!", "Double kill!", "Triple kill!", "Let's go, let's go!", "That was insane!",
                      "Clip that!", ("scream", 0.9)]),
    (76.8, "laughter", [("laugh", 2.6), "Are you kidding me?", "Did you see that?", "I can't believe it!", ("laugh", 2.8)]),
    (126.8, "victory", ["Yes, yes, yes!", "We won the game!", "I can't believe it!", "What a game!", "We are so back!", "Let's go!",
                        ("cheer", 1.6)]),
    (163.6, "scare", [("scream", 1.0), "Oh no, he's right behind you!", "Go, go, go!", "Are you kidding me?", "I'm shaking!", "Oh my god!",
                      ("laugh", 1.4)]),
]  # fmt: skip
# How far above talk each moment is, in dB.
MOMENT_LIFT = {"clutch": 8.5, "laughter": 6.5, "victory": 9.0, "scare": 10.0}

# The distractors: (start, end, kind).
DISTRACTORS = [
    (13.4, 18.4, "alert"),
    (51.0, 66.8, "loud music"),
    (94.6, 105.8, "firefight"),
    (115.8, 117.8, "knocks on the microphone"),
    (141.8, 144.6, "digital silence"),
    (147.8, 154.0, "keywords said calmly"),
    (178.4, 192.6, "gain step"),
    (200.8, 206.0, "alert"),
]
TRAP = ["Oh my god, no way.", "That was insane.", "No, no, no.", "What a play."]
GAIN_STEP = 8.0
LOUDER = ["So let me tell you a story.", "Last night I played this map for three hours.", "The new update is really good.",
          "I love you guys.", "Don't forget to subscribe."]  # fmt: skip


class Soundtrack:
    """The sound of the stream while it is mixed, and the truth about it."""

    def __init__(self, synthesizer, seed):
        self._synthesizer = synthesizer
        self._rng = np.random.default_rng(seed)
        count = SECONDS * RATE
        self.voice = np.zeros(count)
        self.left, self.right = np.zeros(count), np.zeros(count)
        self.speech, self.moments = [], []

    def mix(self):
        """The finished stereo sound, one column a channel."""
        self._bed()
        for start, end, sentences in TALKS:
            self._talk(start, end, sentences)
        for start, kind, reactions in MOMENTS:
            self._moment(start, kind, reactions)
        for start, end, kind in DISTRACTORS:
            self._distractor(start, end, kind)
        stereo = np.stack([self.left + self.voice, self.right + self.voice], axis=1)
        for start, end, kind in DISTRACTORS:
            if kind == "gain step":
                stereo[round(start * RATE) : round(end * RATE)] *= level(GAIN_STEP)
            if kind == "digital silence":
                stereo[round(start * RATE) : round(end * RATE)] = 0
        return np.clip(stereo, -1, 1)

    def _say(self, start, text, voice, rms, who="streamer", moment=False):
        sentence = self._synthesizer.say(text, voice, rms)
        add(self.voice, sentence.sound, start)
        self.speech.append(
            {
                "start_s": round(start, 3),
                "end_s": round(start + sentence.seconds, 3),
                "text": text,
                "who": who,
                "moment": moment,
                "words": [{"start_s": round(start + a, 3), "end_s": round(start + b, 3), "text": w} for a, b, w in sentence.words],
            }
        )
        return start + sentence.seconds

    def _talk(self, start, end, sentences):
        for text in sentences:
            finish = self._say(start, text, STREAMER, TALK + self._rng.uniform(-1.2, 1.2))
            if finish > end:
                raise ValueError(f"the talk that ends at {end} s runs on to {finish:.2f} s: {text}")
            start = finish + self._rng.uniform(0.35, 0.9)

    def _moment(self, start, kind, reactions):
        at, loud = start, TALK + MOMENT_LIFT[kind]
        for reaction in reactions:
            rms = loud + self._rng.uniform(-1, 1)
            if isinstance(reaction, str):
                at = self._say(at, reaction, EXCITED, rms, moment=True)
            else:
                name, seconds = reaction
                add(self.voice, at_rms(getattr(sounds, name)(self._rng, seconds), rms + 1), at)
                at += seconds
            end = at
            at += self._rng.uniform(0.08, 0.3)
        self.moments.append({"start_s": start, "end_s": round(end, 3), "kind": kind})

    def _distractor(self, start, end, kind):
        if kind == "alert":
            self._stereo(at_rms(sounds.jingle(self._rng), -15), start, 0.5)
            thanks = "Thank you for the sub! Let's go!" if start < 60 else "Thank you for the raid! That is amazing!"
            at = start + 1.7
            for text in thanks.replace("! ", "!|").split("|"):
                at = self._say(at, text, ALERT, -19, who="alert") + 0.25
        elif kind == "loud music":
            song = sounds.music(self._rng, end - start, 126, 55)
            self._stereo(edges(at_rms(song, -13), 0.6, 0.8), start, 0.5)
        elif kind == "firefight":
            self._firefight(start, end)
        elif kind == "knocks on the microphone":
            for at in (0.0, 0.45, 0.7, 1.5):
                add(self.voice, sounds.knock(self._rng), start + at)
        elif kind == "keywords said calmly":
            at = start + 0.2
            for text in TRAP:
                at = self._say(at, text, STREAMER, TALK) + 0.45
        elif kind == "gain step":
            self._talk(start + 0.5, end - 0.1, LOUDER)

    def _firefight(self, start, end):
        at = start
        while at < end - 1.6:
            place = self._rng.uniform(0.2, 0.8)
            if self._rng.random() < 0.35:
                boom = sounds.explosion(self._rng)
                self._stereo(boom * level(self._rng.uniform(-15, -9)), at, place)
                at += self._rng.uniform(0.3, 0.8)
            else:
                for _ in range(int(self._rng.integers(3, 8))):
                    self._stereo(sounds.shot(self._rng) * level(self._rng.uniform(-16, -11)), at, place)
                    at += self._rng.uniform(0.09, 0.13)
                at += self._rng.uniform(0.1, 0.4)

    def _bed(self):
        swell = np.interp(np.arange(SECONDS * RATE) / RATE, np.arange(0, SECONDS + 6, 6), level(self._rng.uniform(-3, 3, SECONDS // 6 + 1)))
        for track in (self.left, self.right):
            track += at_rms(sounds.pink_noise(self._rng, SECONDS), BED) * swell
        loop = at_rms(sounds.music(self._rng, 24, 92, 65.4), BED)
        for start in range(0, SECONDS, 24):
            self._stereo(loop, start, 0.5)
        at = 2.0
        while at < SECONDS - 3:
            effect = sounds.explosion(self._rng) if self._rng.random() < 0.2 else sounds.shot(self._rng)
            self._stereo(effect * level(self._rng.uniform(-42, -33)), at, self._rng.uniform(0.1, 0.9))
            at += self._rng.exponential(3.0) + 0.3

    def _stereo(self, sound, start, place):
        """Mixes a sound between left (0) and right (1), at equal power."""
        add(self.left, sound * np.cos(place * np.pi / 2) * np.sqrt(2), start)
        add(self.right, sound * np.sin(place * np.pi / 2) * np.sqrt(2), start)
