#!/usr/bin/env python3
"""Makes the media under fixtures/ anew.

    scripts/make-fixtures.py [arena-night] [awkward]

Needs Python 3.11 with numpy, ffmpeg with libx264 and drawtext, espeak-ng with its library, and the DejaVu fonts:
apt install python3-numpy ffmpeg espeak-ng fonts-dejavu-core. The results are committed, so only who changes them needs this.
The same versions of these programs give the same bytes.
"""

import sys
from pathlib import Path

from fixturelib import arena_night, awkward

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MAKERS = {"arena-night": arena_night.make, "awkward": awkward.make}


def main(names):
    unknown = [name for name in names if name not in MAKERS]
    if unknown:
        sys.exit(f"there is no fixture called {', '.join(unknown)}; there are {', '.join(MAKERS)}")
    for name in names or MAKERS:
        MAKERS[name](FIXTURES)


if __name__ == "__main__":
    main(sys.argv[1:])
