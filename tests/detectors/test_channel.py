"""Channels of control, told by first bytes."""

from __future__ import annotations

import pytest
from relation_scenes import Scene, inside, outside

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
    assert judge(port=4444) == []
    assert judge(b"GET / HT", b"HTTP/1.1", port=4444, scale=20, target=inside(7)) == []
