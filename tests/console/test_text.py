from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import text

MIXED = st.text(st.sampled_from("ab 城市墙，。.:/0"), max_size=60)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("plain", "plain"),
        ("城墙", "城墙"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("tab\tnewline\n", "tab\\x09newline\\x0a"),
        ("right\u202eleft", "right\\u202eleft"),
        ("lone\udcff", "lone\\udcff"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_clean_shows_what_would_drive_a_terminal(given_: str, expected: str):
    assert text.clean(given_) == expected


def test_truncate_counts_cells_not_characters():
    assert text.truncate("电子政务外网", 12) == "电子政务外网"
    assert text.truncate("电子政务外网", 11) == "电子政务..."
    assert text.truncate("电子政务外网", 10) == "电子政..."
    assert text.truncate("abcdef", 2) == ".."
    assert text.truncate("abcdef", 0) == ""


def test_truncate_middle_keeps_both_ends():
    cut = text.truncate_middle("captures/scan/synscan.pcapng", 20)
    assert cut.startswith("captu")
    assert cut.endswith("scan.pcapng")
    assert text.width(cut) == 20


@given(MIXED, st.integers(0, 40))
@settings(max_examples=200)
def test_truncations_fit(content: str, cells: int):
    for cut in (text.truncate(content, cells), text.truncate_middle(content, cells)):
        assert text.width(cut) <= max(cells, 0) or cut == content


@given(MIXED, st.integers(2, 30))
@settings(max_examples=200)
def test_wrap_fits_and_loses_nothing_but_spaces(content: str, cells: int):
    lines = text.wrap(content, cells)
    assert all(text.width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == content.replace(" ", "")


def test_wrap_breaks_chinese_anywhere_but_before_closing_marks():
    assert text.wrap("电子政务，外网", 8) == ["电子政", "务，外网"]
    assert text.wrap("a word or two", 7) == ["a word", "or two"]
    assert text.wrap("", 7) == [""]


def test_pad_fills_cells():
    assert text.pad("城", 4) == "城  "
    assert text.pad("7", 3, right=True) == "  7"
    assert text.pad("longer", 2) == "longer"


def test_flow_packs_items():
    assert text.flow(["aa", "bb", "cc"], 6) == ["aa  bb", "cc"]
    assert text.flow(["toolong"], 5) == ["to..."]
    assert text.flow([], 5) == []
