"""Make the typeface that ships with Citywall: Noto Sans CJK SC, cut to the characters an office needs.

    python deploy/typeface/make.py NotoSansCJK-Regular.ttc Unihan_OtherMappings.txt citywall/fonts

Both are in Debian's `fonts-noto-cjk` and `unicode-data`. What is kept: GB/T 2312, the Table of General
Standard Chinese Characters (通用规范汉字表; `kTGH` in Unihan), Latin with accents, and the signs that
reports are set with. The name is changed, as the licence wants of something changed.
"""

from __future__ import annotations

import bz2
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "Citywall Sans SC"
VERSION = "1.0"
_RANGES = (
    (0x20, 0x17F),  # Latin
    (0x391, 0x3C9),  # Greek
    (0x410, 0x451),  # Cyrillic
    (0x2010, 0x2027), (0x2030, 0x205E),  # punctuation
    (0x2070, 0x209F), (0x2100, 0x214F), (0x2150, 0x218B),  # superscripts, letterlike, numbers
    (0x2190, 0x21FF), (0x2200, 0x22FF),  # arrows, mathematics
    (0x2460, 0x24FF), (0x2500, 0x25FF), (0x2605, 0x2606),  # numbers in circles, boxes, shapes
    (0x2713, 0x2718), (0x3000, 0x303F), (0xFF00, 0xFFEF),
)  # fmt: skip


def characters(unihan: Path) -> set[int]:
    """Code points that are kept, as far as the font has them."""
    kept = {point for low, high in _RANGES for point in range(low, high + 1)}
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            kept |= {ord(c) for c in bytes((row, cell)).decode("gb2312", "ignore")}
    data = unihan.read_bytes()
    text = (bz2.decompress(data) if unihan.suffix == ".bz2" else data).decode()
    return kept | {int(line[2:].split("\t")[0], 16) for line in text.splitlines() if "\tkTGH\t" in line}


def main(collection: Path, unihan: Path, folder: Path) -> None:
    """Write `CitywallSansSC-Regular.otf` to `folder`."""
    font = _simplified(collection)
    options = subset.Options(
        layout_features=["kern", "locl"],
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        notdef_outline=True,
        hinting=False,
    )
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters(unihan))
    cutter.subset(font)
    _rename(font)
    font.recalcTimestamp = False
    font.save(folder / "CitywallSansSC-Regular.otf")


def _simplified(collection: Path) -> TTFont:
    for font in TTCollection(collection, lazy=True).fonts:
        if font["name"].getDebugName(4) == "Noto Sans CJK SC":
            return font
    raise SystemExit(f"{collection} holds no Noto Sans CJK SC")


def _rename(font: TTFont) -> None:
    names = {
        1: FAMILY, 2: "Regular", 3: f"{VERSION};CitywallSansSC-Regular", 4: FAMILY, 5: f"Version {VERSION}",
        6: "CitywallSansSC-Regular",
    }  # fmt: skip
    font["name"].names = [n for n in font["name"].names if n.langID == 0x409 or n.nameID not in names]
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    top = font["CFF "].cff
    top.fontNames = [names[6]]
    top.topDictIndex[0].FullName = FAMILY
    top.topDictIndex[0].FamilyName = FAMILY


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
