"""The picture of "arena night": a small pixel-art game with shot changes, a camera on the player, and the frame number.

Frames are drawn 320x180 and scaled up fourfold without smoothing, so that everything moves by whole blocks and costs
the encoder little.
"""

import numpy as np

from . import story, strip

WIDTH, HEIGHT, SCALE, RATE = 320, 180, 4, 30
# The strip in drawn pixels; four times that in the video. It lies in the upper half and the middle 60 % of the width, out of the
# way of captions and still inside when a vertical composition crops the sides.
STRIP_X, STRIP_Y, STRIP_CELL = 64, 16, 8
FRAMES = story.SECONDS * RATE

PALETTES = {
    "lobby": ((38, 42, 66), (62, 70, 110), (230, 190, 90)),
    "plaza": ((70, 120, 150), (60, 90, 70), (220, 90, 70)),
    "arena": ((58, 40, 46), (92, 62, 60), (240, 200, 80)),
    "show": ((40, 20, 70), (90, 40, 130), (80, 230, 220)),
    "runner": ((110, 170, 200), (76, 120, 66), (230, 120, 60)),
    "cave": ((18, 20, 28), (40, 44, 56), (150, 220, 120)),
}


def frames(loudness):
    """Every frame in order, RGB. `loudness` has the voice's level at each frame, 0 to 1, and moves the player's mouth."""
    shots = story.SHOTS + [(story.SECONDS, "")]
    for index, ((start, scene), (end, _)) in enumerate(zip(shots, shots[1:])):
        rng = np.random.default_rng(index)
        stage = _stage(scene, rng)
        actors = _actors(rng)
        for number in range(round(start * RATE), round(end * RATE)):
            frame = stage.copy()
            since = number - round(start * RATE)
            _move(frame, scene, actors, since)
            second = number / RATE
            if any(kind == "firefight" and a <= second < b for a, b, kind in story.DISTRACTORS):
                _blast(frame, number)
            _player(frame, loudness[number], _excited(second))
            frame[12:54, 56:264] = 0
            strip.draw(frame, number, STRIP_X, STRIP_Y, STRIP_CELL)
            yield frame


def _excited(second):
    return any(start <= second < start + 8 for start, _, _ in story.MOMENTS)


def _stage(scene, rng):
    back, front, accent = PALETTES[scene]
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    frame[:] = back
    if scene in ("plaza", "runner"):
        for _ in range(9):
            x, height = int(rng.integers(0, 300)), int(rng.integers(16, 56))
            frame[130 - height : 130, x : x + int(rng.integers(14, 34))] = [c // 2 + 40 for c in back]
        frame[130:] = front
        frame[130:133] = [min(255, c + 40) for c in front]
    elif scene in ("arena", "cave"):
        frame[58:172, 12:308] = front
        for x in range(12, 308, 24):
            frame[58:172, x : x + 1] = back
        for y in range(58, 172, 24):
            frame[y : y + 1, 12:308] = back
        for _ in range(8):
            x, y = int(rng.integers(100, 290)), int(rng.integers(64, 150))
            frame[y : y + 16, x : x + 16] = [c // 2 for c in back]
    elif scene == "lobby":
        for row in range(4):
            y = 66 + row * 26
            frame[y : y + 20, 96:300] = front
            frame[y + 4 : y + 16, 102:114] = accent
            frame[y + 8 : y + 12, 122 : 122 + int(rng.integers(40, 150))] = [min(255, c + 60) for c in front]
    elif scene == "show":
        for x in range(0, WIDTH, 32):
            frame[60:, x : x + 16] = front
        frame[150:] = [c // 2 for c in front]
    return frame


def _actors(rng):
    return [
        (rng.integers(90, 300), rng.integers(60, 160), rng.integers(1, 3) * rng.choice([-1, 1]), rng.integers(1, 3), tuple(int(c) for c in rng.integers(90, 255, 3)))
        for _ in range(6)
    ]


def _move(frame, scene, actors, since):
    accent = PALETTES[scene][2]
    if scene == "lobby":
        row = since // 20 % 4
        frame[66 + row * 26 : 68 + row * 26, 96:300] = accent
        return
    if scene == "show":
        beat = since % 14
        for k in range(6):
            height = 16 + (k * 37 + since // 14 * 53) % 60 - 2 * beat
            frame[150 - max(height, 4) : 150, 100 + k * 32 : 120 + k * 32] = accent
        return
    for index, (x, y, step_x, step_y, colour) in enumerate(actors):
        if scene in ("arena", "cave"):
            left, top = _bounce(x + step_x * since, 90, 296), _bounce(y + step_y * since, 60, 160)
            frame[top : top + 10, left : left + 10] = colour
            frame[top + 2 : top + 5, left + 2 : left + 4] = 0
        else:
            left = int(x - (3 if scene == "runner" else 1) * since + index * 50) % (WIDTH + 60) - 20
            frame[118:130, max(left, 0) : max(left + 12, 0)] = colour
    if scene in ("plaza", "runner"):
        leap = since % 50
        top = 112 - (leap * (30 - leap) // 8 if leap < 30 else 0)
        frame[top : top + 18, 130:142] = accent
        frame[top + 3 : top + 7, 136:140] = 255


def _bounce(position, low, high):
    span = high - low
    position = int(position - low) % (2 * span)
    return low + (position if position < span else 2 * span - position)


def _blast(frame, number):
    rng = np.random.default_rng(number // 6)
    x, y, size = int(rng.integers(110, 280)), int(rng.integers(70, 150)), 4 + 4 * (number % 6)
    frame[max(y - size, 56) : y + size, max(x - size, 0) : x + size] = (250, 190, 70)


def _player(frame, loudness, excited):
    """The camera picture: a face whose mouth opens with the voice and whose eyes widen in the moments."""
    frame[116:176, 6:82] = (26, 30, 40)
    frame[118:174, 8:80] = (96, 120, 150)
    frame[126:170, 28:60] = (226, 184, 150)
    frame[122:130, 26:62] = (90, 58, 40)
    eye = 6 if excited else 3
    frame[138 : 138 + eye, 34:38] = frame[138 : 138 + eye, 50:54] = 20
    opening = 1 + int(round(7 * min(loudness, 1)))
    frame[156 : 156 + opening, 38:50] = (120, 40, 40)
