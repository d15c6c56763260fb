"""The frame number, drawn for machines: a row of black and white cells.

From the left: one white and one black cell to find the levels by, the number in 16 bits, highest first, and 6 check
bits. Check bit k, highest first again, is the parity of the number's bits whose index modulo 6 is 5 - k, so that no single
wrong cell goes unnoticed.
"""

import numpy as np

NUMBER_BITS, CHECK_BITS = 16, 6
CELLS = 2 + NUMBER_BITS + CHECK_BITS


def cells(number):
    """The cells of a frame number as booleans, true for white."""
    check = (number ^ (number >> CHECK_BITS) ^ (number >> 2 * CHECK_BITS)) & (2**CHECK_BITS - 1)
    bits = [(number >> k) & 1 for k in reversed(range(NUMBER_BITS))] + [(check >> k) & 1 for k in reversed(range(CHECK_BITS))]
    return np.array([1, 0, *bits], dtype=bool)


def draw(frame, number, x, y, cell):
    """Draws the strip into an RGB frame, its top left corner at (x, y), on a black margin of half a cell."""
    margin = max(cell // 2, 1)
    frame[y - margin : y + cell + margin, x - margin : x + CELLS * cell + margin] = 0
    row = np.repeat(cells(number), cell).astype(np.uint8) * 255
    frame[y : y + cell, x : x + CELLS * cell] = row[None, :, None]


def described(x, y, cell):
    """The strip's place for the truth file, in pixels of the video."""
    return {"x": x, "y": y, "cell": cell, "bits": NUMBER_BITS, "check_bits": CHECK_BITS, "cells": CELLS}
