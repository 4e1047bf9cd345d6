from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from reports import charts

HOSTILE = "<script>&\"'门户" * 9


@pytest.mark.parametrize("draw", [charts.bars, charts.columns, charts.axes])
@pytest.mark.parametrize(
    "data", [[], [("a", 0, "0")], [(HOSTILE, 7, HOSTILE), ("b", None, "-"), ("c", 1000, "1,000")]]
)
def test_whatever_the_data_it_is_one_sound_drawing(draw, data):
    text = draw(data, HOSTILE)
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert root.get("aria-label") == HOSTILE
    assert "<script" not in text
    assert text == draw(data, HOSTILE)
    assert not re.search(r'(?:x|y|width|height)="-?\d+\.', text)  # whole pixels


def test_lengths_are_in_proportion():
    root = ET.fromstring(charts.bars([("a", 100, "100"), ("b", 25, "25"), ("c", 0, "0")], "t"))
    widths = [int(r.get("width")) for r in root if r.tag.endswith("rect")]
    assert widths == [360, 90, 0]


def test_indices():
    root = ET.fromstring(charts.axes([("a", 500, "50.0"), ("b", None, "not observed")], "t"))
    rects = [r for r in root if r.tag.endswith("rect")]
    assert [int(r.get("width")) for r in rects] == [360, 180, 360]
    assert rects[2].get("stroke-dasharray")
    assert len({charts.colour_of(i) for i in (0, 600, 750, 900)}) == 4


def test_small_values_are_not_lost():
    root = ET.fromstring(charts.bars([("a", 1_000_000, ""), ("b", 1, "")], "t"))
    assert [int(r.get("width")) for r in root if r.tag.endswith("rect")] == [360, 1]
