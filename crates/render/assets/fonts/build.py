#!/usr/bin/env python3
"""Builds the bundled caption fonts from their upstream releases.

Needs fonttools and brotli. Arguments: Inter-ExtraBold.otf Inter-SemiBold.otf NotoSansArabic-Bold.ttf NotoSansHebrew-Bold.ttf
NotoEmoji-Bold (ttf or woff2). The results are written beside this script.

Every font gets a family name of its own, so that a font of the same name on the machine can never be taken instead
(and so that no reserved name is used for a changed font), and the weight "regular", so that libass neither
emboldens it nor looks further.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parent


LATIN_GREEK_CYRILLIC = (
    set(range(0x20, 0x7F))
    | set(range(0xA0, 0x250))
    | set(range(0x2B0, 0x370))
    | set(range(0x370, 0x530))
    | set(range(0x1E00, 0x2000))
    | set(range(0x2010, 0x2060))
    | set(range(0x20A0, 0x20D0))
    | {0x2116, 0x2122, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x25CC}
)
FONTS = [
    ("streamliner-sans-heavy.otf", "Streamliner Sans Heavy", LATIN_GREEK_CYRILLIC, ["kern", "mark", "mkmk", "ccmp", "locl"]),
    ("streamliner-sans.otf", "Streamliner Sans", LATIN_GREEK_CYRILLIC, ["kern", "mark", "mkmk", "ccmp", "locl"]),
    ("streamliner-arabic.ttf", "Streamliner Arabic", None, ["*"]),
    ("streamliner-hebrew.ttf", "Streamliner Hebrew", None, ["*"]),
    ("streamliner-emoji.ttf", "Streamliner Emoji", None, ["*"]),
]


def build(source, target, family, characters, features):
    font = TTFont(source, fontNumber=0)
    options = subset.Options(
        hinting=False,
        layout_features=features,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        notdef_outline=True,
        glyph_names=False,
        desubroutinize=False,
        drop_tables=["DSIG", "FFTM", "meta", "VORG", "vhea", "vmtx", "BASE", "STAT"],
    )
    if characters is None:
        characters = set(font.getBestCmap())
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    postscript = family.replace(" ", "")
    names = {1: family, 2: "Regular", 3: f"{postscript};bundled", 4: family, 6: postscript}
    for record in list(font["name"].names):
        if record.nameID in (16, 17, 21, 22, 25) or record.platformID == 1:
            font["name"].removeNames(nameID=record.nameID, platformID=record.platformID)
    for identifier, text in names.items():
        font["name"].setName(text, identifier, 3, 1, 0x409)
    font["OS/2"].usWeightClass = 400
    font["OS/2"].fsSelection = 0x40
    font["head"].macStyle = 0
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = [postscript]
        top = cff.topDictIndex[0]
        top.FamilyName, top.FullName, top.Weight = family, family, "Regular"
    if any(character > 0xFFFF for character in font.getBestCmap()):
        # libass takes the first table of characters that it knows, even where a later one holds more.
        full = [table for table in font["cmap"].tables if table.format == 12]
        font["cmap"].tables = full
    font.flavor = None
    font.save(target)
    print(f"{target.name}: {target.stat().st_size} bytes, {len(font.getBestCmap())} characters")


def main():
    sources = sys.argv[1:]
    if len(sources) != len(FONTS):
        sys.exit(__doc__)
    for source, (name, family, characters, features) in zip(sources, FONTS):
        build(source, HERE / name, family, characters, features)


if __name__ == "__main__":
    main()
