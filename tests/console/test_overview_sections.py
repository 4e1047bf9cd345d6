from __future__ import annotations

from typing import Any

import pytest

from console.display.sheet import layout, plain
from console.overview import Overview
from console.overview_sections import by_class, by_severity, sections, trend
from console.text import width

HOUR = 3_600_000_000_000


def overview(**more: Any) -> Overview:
    usual: dict[str, Any] = {
        "total": 30, "by_severity": {5: 10, 4: 0, 3: 20, 2: 0, 1: 0}, "by_class": {"attack": 20, "odd": 10},
        "by_detector": {}, "since": 0, "until": 24 * HOUR, "recent": {5: 1}, "newest": [], "status": None,
        "minutes": [(0, 3, 20), (24 * HOUR - 1, 5, 10)],
    }  # fmt: skip
    return Overview(**(usual | more))


def test_bars_are_as_long_as_counts():
    lines = plain(layout([by_severity(overview(), "en")], 80))
    assert lines[0] == "Alerts  30"
    assert lines[1] == "  CRIT ██████       10  24 h 1"
    assert lines[3].count("█") == 12
    assert "█" not in lines[2]


def test_classes_have_names():
    assert plain(layout([by_class(overview(), "zh")], 80))[1:] == [
        "  网络攻击事件 ████████████ 20", "  odd          ██████       10",
    ]  # fmt: skip


@pytest.mark.parametrize("cells", [40, 80, 200])
def test_the_trend_shows_every_alert_and_fits(cells: int):
    section = trend(overview(), "en", cells)
    lines = plain(section.lines)
    assert all(width(line) <= cells for line in lines[1:])
    assert lines[1].strip() == "█"  # the greater, at the left
    assert lines[5].strip().startswith("█")
    assert lines[5].rstrip().endswith(("▄", "█"))
    assert lines[6].split()[0] == lines[6].split()[-1] == "00:00"
    styles = {style for piece, style in section.lines[5] if piece.strip()}
    assert styles == {"yellow", "bright_red"}


def test_nothing_yet():
    empty = overview(total=0, by_severity=dict.fromkeys((5, 4, 3, 2, 1), 0), by_class={}, until=0, minutes=[])
    assert trend(empty, "en", 80).empty
    assert plain(layout(sections(empty, "en", 80, unit=False), 80))[0] == "Alerts  0"
