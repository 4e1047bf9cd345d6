"""Channels of control, told by first bytes."""

from __future__ import annotations

import pytest
from relation_scenes import Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(asks=b"", greets=b"", port=9009, target=None, scale=1.0, **parameters):
    scene = Scene().tcp(
        0, inside(9), target or outside(7), port, "talk", asks=asks, greets=greets, scale=scale
    )
    found = build({"channel": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f.kind for f in found if f.detector == "channel"]


@pytest.mark.parametrize(
    ("asks", "greets", "kind"),
    [
        (b"", b"whoami\n", "raw_shell"),
        (b"Microsof", b"", "raw_shell"),
        (b"uid=0(ro", b"", "raw_shell"),
        (b"", b"MZ\x90\x00\x03\x00\x00\x00", "raw_program"),
        (b"", b"\x7fELF\x02\x01\x01\x00", "raw_program"),
        (b"#! /bin/", b"", "raw_script"),
        (b'{"method', b'{"id":1,', "mining"),
    ],
)
def test_first_bytes_tell(asks, greets, kind):
    assert judge(asks, greets) == [kind]
    assert judge(asks, greets, port=80) == ([kind] if kind == "mining" else [])


def test_pools_are_outside_and_both_sides_speak():
    assert judge(b'{"method', b'{"id":1,', target=inside(7)) == []
    assert judge(b'{"method', b"HTTP/1.1") == []


def test_the_web_at_home_may_be_anywhere():
    assert judge(b"GET / HT", b"HTTP/1.1", port=7080) == ["odd_web_port"]
    assert judge(b"GET / HT", b"HTTP/1.1", port=7080, target=inside(7)) == []
    assert judge(b"GET / HT", b"HTTP/1.1", port=8080) == []
    assert judge(b"GET / HT", b"HTTP/1.1", port=7080, web_ports=[7080]) == []


def test_the_port_of_a_tool_needs_much_and_no_other_protocol():
    assert judge(port=4444, scale=20) == ["tool_port"]
    assert judge(port=4444, scale=0.4) == []
    assert judge(b"GET / HT", b"HTTP/1.1", port=4444, scale=20, target=inside(7)) == []


PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00"


def judged(scene):
    found = build({"channel": {}}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [(f.kind, f.severity) for f in found if f.detector == "channel"]


def test_programs_that_ftp_was_asked_for_are_its_business():
    client, server = inside(9), outside(7)
    carried = Scene().tcp(0, client, server, 21, "talk", greets=b"220 (vsF", asks=b"USER ano")
    assert judged(carried.tcp(2, client, server, 41151, "talk", greets=PROGRAM)) == []
    # of another server, or long after, nobody asked by FTP
    elsewhere = Scene().tcp(0, client, outside(8), 21, "talk", greets=b"220 (vsF", asks=b"USER ano")
    assert judged(elsewhere.tcp(2, client, server, 41151, "talk", greets=PROGRAM)) == [
        ("raw_program", Severity.HIGH)
    ]
    late = Scene().tcp(0, client, server, 21, "talk", greets=b"220 (vsF", asks=b"USER ano")
    assert judged(late.tcp(900, client, server, 41151, "talk", greets=PROGRAM)) == [
        ("raw_program", Severity.HIGH)
    ]


def test_what_a_server_of_ftp_brings_is_told_without_alarm():
    brought = Scene().tcp(0, outside(7), inside(9), 33421, "talk", asks=PROGRAM, sport=20)
    assert judged(brought) == [("raw_program", Severity.INFORMATIONAL)]
    shell = Scene().tcp(0, outside(7), inside(9), 33421, "talk", asks=b"Microsof", sport=20)
    assert judged(shell) == [("raw_shell", Severity.HIGH)]


@pytest.mark.parametrize("here", ["127.0.0.1", "169.254.7.7", "fe80::7", "::1"])
def test_nothing_on_the_own_host_or_link_is_outside(here):
    assert judge(b"GET / HT", b"HTTP/1.1", port=7080, target=here) == []
