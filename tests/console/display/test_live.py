from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from console import text
from console.display.live import TOLD_AT_ONCE, LiveDisplay, RunView, alert_lines, bar
from console.display.state import RunState
from console.documents import Alert

WALL = datetime(2024, 6, 1, 14, 3, 11, tzinfo=UTC)


def view(language: str, *snapshots: Any) -> RunView:
    state = RunState(language)
    for progress in snapshots:
        state.update(progress)
    ticks = iter([0.0, 12.0, 12.0, 12.0])
    return RunView(state, lambda: next(ticks), lambda: WALL)


def lines(shown: RunView, width: int) -> list[str]:
    return [line.plain for line in shown.lines(width, colour=False)]


@pytest.fixture
def halfway(snapshot: Any) -> tuple[Any, Any]:
    return snapshot(seconds=0.0, bytes_done=0, packets=0), snapshot(seconds=2.0)


def test_wide_english(halfway: tuple[Any, Any]):
    assert lines(view("en", *halfway), 120) == [
        "1/2 captures/office.pcap ####################....................  50%  6.15 MB / 12.3 MB",
        "20.5 k packets/s  3.08 MB/s  left 0:02  elapsed 0:12  14:03:11",
        "packets 41,000  flows 900  events 12  findings 7  alerts 1",
        "stages  capture 1.25 M/s  detect 98.0 k/s",
    ]


def test_eighty_columns_chinese(halfway: tuple[Any, Any]):
    assert lines(view("zh", *halfway), 80) == [
        "1/2 captures/office.pcap #############.............  50%  6.15 MB / 12.3 MB",
        "20.5 k 报文/秒  3.08 MB/s  剩余 0:02  已用 0:12  14:03:11",
        "报文 41,000  流 900  事件 12  发现 7  告警 1",
        "各阶段  capture 1.25 M/s  detect 98.0 k/s",
    ]


def test_forty_columns(halfway: tuple[Any, Any]):
    assert lines(view("en", *halfway), 40) == [
        "1/2 captures/office.pcap",
        "########........  50%  6.15 MB / 12.3 MB",
        "20.5 k packets/s  3.08 MB/s  left 0:02",
        "elapsed 0:12  14:03:11",
        "packets 41,000  flows 900  events 12",
        "findings 7  alerts 1",
        "stages  capture 1.25 M/s",
        "detect 98.0 k/s",
    ]


@pytest.mark.parametrize("width", [10, 20, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_ever_wider_than_the_terminal(snapshot: Any, width: int, language: str):
    long = snapshot(path="目录/" * 30 + "很长的名字.pcap", sessions=60, bytes_done=10**13, bytes_total=10**13)
    for line in lines(view(language, long), width):
        assert text.width(line) <= width


def test_before_the_first_snapshot():
    assert lines(view("en"), 80) == ["compiling the kernels (once)  0:12  14:03:11"]


def test_between_the_first_snapshot_and_the_first_packet(snapshot: Any):
    waiting = snapshot(session=0, packets=0, flows=0, bytes_done=0)
    assert lines(view("zh", waiting), 80) == ["正在编译计算内核（仅一次）  0:12  14:03:11"]
    opened = snapshot(packets=0, flows=0, events=3, bytes_done=0)
    assert lines(view("en", opened), 80)[1] == "compiling the kernels (once)  0:12  14:03:11"


def test_bar():
    assert bar(0.5, 10, colour=False).plain == "#####....."
    assert bar(1.0, 4, colour=False).plain == "####"
    coloured = bar(0.25, 8, colour=True)
    assert coloured.plain == " " * 8
    assert [(s.start, s.end, s.style) for s in coloured.spans] == [
        (0, 2, "on green"),
        (2, 8, "on bright_black"),
    ]


@pytest.mark.parametrize(
    ("language", "width", "expected"),
    [
        ("en", 80, ["12:00:03 HIGH Port scan  10.0.0.5 -> 10.0.1.0/24"]),
        ("zh", 80, ["12:00:03 高危 端口扫描  10.0.0.5 -> 10.0.1.0/24"]),
        ("en", 40, ["12:00:03 HIGH Port scan", "         10.0.0.5 -> 10.0.1.0/24"]),
        ("zh", 20, ["12:00:03 高危 端...", "         10.0.0.5..."]),
    ],
)
def test_alert_lines(make_alert: Any, language: str, width: int, expected: list[str]):
    drawn = alert_lines(Alert.of(make_alert(), language), language, width)
    assert [line.plain for line in drawn] == expected
    assert any(span.style == "red" for span in drawn[0].spans)


def display_on(width: int, language: str = "en", **more: Any) -> tuple[LiveDisplay, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, height=24, force_terminal=True, markup=False, highlight=False, **more
    )
    return LiveDisplay(console, language, clock=lambda: 1.0, wall=lambda: WALL), stream


def test_alerts_scroll_by_above_and_the_rest_is_cleared(snapshot: Any, make_alert: Any):
    display, stream = display_on(80, color_system=None)
    with display:
        display(snapshot(new_alerts=[make_alert()]))
        display._live.refresh()
    written = stream.getvalue()
    assert "12:00:03 HIGH Port scan  10.0.0.5 -> 10.0.1.0/24" in written
    assert "1/2 captures/office.pcap #####" in written
    assert written.endswith("\x1b[2K")  # the last thing done is to erase the live lines


def test_many_alerts_at_once_are_counted(snapshot: Any, make_alert: Any):
    display, stream = display_on(80, color_system=None)
    with display:
        alerts = [make_alert(n, 2) for n in range(TOLD_AT_ONCE + 4)]
        display(snapshot(new_alerts=[*alerts, make_alert(99, 5)]))
    assert stream.getvalue().count("Port scan") == TOLD_AT_ONCE
    assert "CRIT" in stream.getvalue()  # the last to come, and the most severe
    assert "... and 5 more alerts" in stream.getvalue()
