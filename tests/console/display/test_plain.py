from __future__ import annotations

import io
from typing import Any

from console.display.plain import PlainDisplay, QuietDisplay


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(language: str, snapshots: list[Any], seconds: list[float]) -> tuple[list[str], list[str]]:
    err, out, clock = io.StringIO(), io.StringIO(), Clock()
    with PlainDisplay(err, out, language, clock=clock) as display:
        for progress, at in zip(snapshots, seconds, strict=True):
            clock.now = at
            display(progress)
    return err.getvalue().splitlines(), out.getvalue().splitlines()


def test_lines_in_english(snapshot: Any, make_alert: Any):
    err, out = shown(
        "en",
        [snapshot(seconds=0.0, bytes_done=0, packets=0), snapshot(seconds=2.0, new_alerts=[make_alert()])],
        [0.0, 2.0],
    )
    assert err == [
        "starting",
        "1/2 captures/office.pcap  0%  packets 0 (0/s, 0 B/s)  flows 900  alerts 1  left -:--",
        "1/2 captures/office.pcap  50%  packets 41,000 (20.5 k/s, 3.08 MB/s)  flows 900  alerts 1  left 0:02",
    ]
    assert out == ["2024-05-01T12:00:03.000000000Z HIGH Port scan  10.0.0.5 -> 10.0.1.0/24"]


def test_lines_in_chinese(snapshot: Any, make_alert: Any):
    err, out = shown("zh", [snapshot(new_alerts=[make_alert(severity=5)])], [0.0])
    assert err == [
        "正在启动",
        "1/2 captures/office.pcap  50%  报文 41,000（0/秒，0 B/秒）  流 900  告警 1  剩余 -:--",
    ]
    assert out == ["2024-05-01T12:00:03.000000000Z 严重 端口扫描  10.0.0.5 -> 10.0.1.0/24"]


def test_a_line_every_two_seconds_and_for_each_session(snapshot: Any):
    snapshots = [
        snapshot(),
        snapshot(),
        snapshot(session=2, path="b.pcap"),
        snapshot(session=2, path="b.pcap", packets=50_000),
    ]
    err, _ = shown("en", snapshots, [0.0, 1.0, 1.5, 3.5])
    assert [line.split("  ")[0] for line in err[1:]] == [
        "1/2 captures/office.pcap",
        "2/2 b.pcap",
        "2/2 b.pcap",
    ]


def test_a_run_that_stands_still_is_not_told_again_and_again(snapshot: Any):
    err, _ = shown("en", [snapshot()] * 6, [0.0, 2.0, 4.0, 6.0, 29.0, 31.0])
    assert len(err) == 3
    assert err[1] == err[2]


def test_the_first_run_says_why_it_waits():
    err = io.StringIO()
    with PlainDisplay(err, None, "en", first=True):
        pass
    assert err.getvalue() == "compiling the kernels (once)\n"


def test_no_control_codes_whatever_the_file_is_called(snapshot: Any, make_alert: Any):
    hostile = make_alert(source={"address": "\x1b]0;owned\x07"})
    err, out = shown("en", [snapshot(path="a\x1b[2J.pcap", new_alerts=[hostile])], [0.0])
    assert "\x1b" not in "".join(err + out)


def test_alerts_may_be_left_out(snapshot: Any, make_alert: Any):
    err = io.StringIO()
    with PlainDisplay(err, None, "en") as display:
        display(snapshot(new_alerts=[make_alert()]))
    assert "Port scan" not in err.getvalue()


def test_quiet_says_nothing_and_counts(snapshot: Any, make_alert: Any, capsys: Any):
    with QuietDisplay("en") as display:
        display(snapshot(new_alerts=[make_alert()]))
    assert display.state.by_severity() == {4: 1}
    assert capsys.readouterr() == ("", "")
