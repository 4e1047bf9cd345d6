from __future__ import annotations

from io import BytesIO

from fontTools.ttLib import TTFont

from citywall import typeface
from citywall.i18n import catalogue


def test_it_ships_with_its_licence_and_is_small():
    assert "SIL OPEN FONT LICENSE" in (typeface.FOLDER / "OFL.txt").read_text("utf-8")
    assert typeface.FILE.stat().st_size < 5 << 20


def test_every_text_of_the_catalogue_can_be_set():
    texts = {char for entry in catalogue().values() for text in entry.values() for char in text}
    assert {c for c in texts if typeface.visible(c) != c} == set()


def test_gb2312_can_be_set():
    hanzi = {
        bytes((row, cell)).decode("gb2312", "ignore")
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
    } - {""}
    assert len(hanzi) == 6763
    assert {ord(c) for c in hanzi} <= typeface.covered()


def test_what_has_no_sign_is_named():
    assert typeface.visible("a𪚥b\n") == "a[U+2A6A5]b\n"
    assert typeface.visible("\x07") == "[U+0007]"
    assert typeface.visible("门户") == "门户"


def test_subsets_hold_what_was_asked_for_and_repeat_themselves():
    data = typeface.subset("门户门a𪚥")
    assert set(TTFont(BytesIO(data)).getBestCmap()) == {ord("门"), ord("户"), ord("a")}
    typeface._subset.cache_clear()
    assert typeface.subset("户a门") == data
