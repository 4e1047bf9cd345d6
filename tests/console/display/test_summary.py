from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citywall.batches import REASONS
from console import text
from console.display.summary import PARTLY_READ, damaged, explain, summarise, warnings
from ingest.decode.counts import WALK_ERRORS
from ingest.flowlogs.lines import REASONS as LINE_ERRORS
from stream.stages import SET_ASIDE


def lines(report: Any, language: str, width: int, grades: Any = None, rules: Any = None) -> list[str]:
    told = summarise(
        report, grades=grades or {}, rules=rules or {}, data=Path("data dir"), language=language, width=width
    )
    return [line.plain for line in told.lines]


def test_one_whole_capture_in_english(report: Any, session: Any):
    run = report(session(), decode_errors={"tcp_header_truncated": 12, "ip_version_wrong": 0})
    assert lines(run, "en", 100, {4: 1, 3: 1}, {"scan": 2}) == [
        "Read",
        "  packets 41,000  bytes 12.3 MB  flows 900  events 24  findings 14  alerts 2",
        "",
        "Alerts",
        "  HIGH 1   MED  1",
        "  scan 2",
        "",
        "Could not be read or decoded",
        "         12  TCP header cut short",
        "",
        "Cost",
        "  total 2.00 s  20.5 k packets/s  peak memory 321 MB",
        "  processor time by stage:  capture 0.50 s  detect 0.25 s",
        "",
        "Next",
        "  the data is in data dir",
        "  citywall alerts --data 'data dir' --where 'severity>=high'",
        "  citywall cases list --data 'data dir'",
        "  citywall console --data 'data dir'",
        "  citywall flows --data 'data dir' --limit 20",
    ]


def test_no_alerts_in_chinese_on_forty_columns(report: Any, session: Any):
    run = report(session(alerts=0))
    told = lines(run, "zh", 40)
    assert told[:6] == [
        "读入",
        "  报文 41,000  字节 12.3 MB  流 900",
        "  事件 24  发现 14  告警 0",
        "",
        "告警",
        "  无",
    ]
    assert not any("citywall alerts" in line for line in told)


def test_sessions_and_what_befell_them(report: Any, session: Any):
    run = report(
        session("a.pcap"),
        session("cut.pcap", packets=7, errors={"record_truncated": 1}),
        session(
            "notes.txt", id="", packets=0, flows=0, alerts=0, refused="notes.txt at byte 0: not a capture"
        ),
        session("again.pcap", same_as="a.pcap"),
    )
    told = lines(run, "en", 80, {4: 6}, {"scan": 6})
    at = told.index("Sessions")
    assert told[at : at + 6] == [
        "Sessions",
        "  file        packets  flows  alerts  state",
        "  a.pcap       41,000    900       2  whole",
        "  cut.pcap          7    900       2  damaged",
        "  notes.txt         0      0       0  refused",
        "  again.pcap   41,000    900       2  same as a.pcap",
    ]
    assert "          1  last record cut short by the end of the file" in told


def test_warnings(report: Any, session: Any):
    run = report(
        session("a.pcap", errors={"tcp_header_truncated": 3}),
        session("cut.pcap", errors={"record_truncated": 1, "tcp_header_truncated": 3}),
        session("x", refused="x\x1b at byte 0: not a capture"),
    )
    assert warnings(run, "en") == [
        "cut.pcap: not everything could be read: last record cut short by the end of the file (1)",
        "x\\x1b at byte 0: not a capture",
    ]


def test_of_many_sessions_only_the_unwell_are_listed(report: Any, session: Any):
    run = report(
        *[session(f"{n}.pcap") for n in range(30)], session("x.pcap", errors={"record_truncated": 1})
    )
    told = lines(run, "en", 80)
    assert "  x.pcap   41,000    900       2  damaged" in told
    assert not any("3.pcap" in line for line in told)
    assert "  30 other files were read whole" in told


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 60, 80])
def test_lines_fit(report: Any, session: Any, language: str, width: int):
    run = report(
        session("captures/" * 12 + "a.pcap"), session("b.pcap", refused="x" * 200),
        decode_errors=dict.fromkeys(REASONS[1:], 123_456),
    )  # fmt: skip
    for line in lines(run, language, width, {1: 10**6, 5: 3}, {"scan": 5, "flood": 7}):
        if not line.startswith("  citywall "):  # commands are for copying: never broken
            assert text.width(line) <= width, line


def test_every_reason_is_explained():
    for reason in (*REASONS[1:], *WALK_ERRORS, *LINE_ERRORS[1:], *PARTLY_READ, SET_ASIDE):
        assert explain(reason, "en") != explain(reason, "zh"), reason
    assert explain("never_heard_of", "zh") == "never heard of"


def test_damage_is_lost_input_not_undecoded_packets(session: Any):
    assert damaged(session(errors={"corrupt_record_length": 1}))
    assert not damaged(session(errors={"tcp_header_truncated": 5, "slow_path": 9, "record_truncated": 0}))


def test_hostile_names_do_not_drive_the_terminal(report: Any, session: Any):
    run = report(session("\x1b[2J.pcap", refused="\x1b]0;x\x07"), session("b"))
    assert "\x1b" not in "".join(lines(run, "en", 80))
