"""Truth of recordings: counted in the capture, or refused with every fault."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.errors import FaultyInput, InputError
from drills import truth, truthfile
from drills.folder import Planned
from drills.packets import tcp_frame, udp_frame, write_pcap


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "x.pcap"
    frames = [
        tcp_frame("192.0.2.1", "10.0.0.1", 1, 2),
        tcp_frame("10.0.0.1", "192.0.2.1", 2, 1),
        udp_frame("10.0.0.9", "10.0.0.1", 5, 53),
        tcp_frame("2001:db8::7", "fd00::1", 1, 2),
        b"\xff" * 14,
        tcp_frame("192.0.2.1", "10.0.0.1", 1, 2),
    ]
    write_pcap(path, [(10**18 + i * 10**9, frame) for i, frame in enumerate(frames)])
    return path


def read(capture: Path, text: str) -> truth.Truth:
    path = capture.with_name("t.yaml")
    path.write_text(text)
    return truthfile.read(path, capture)


def test_what_synth_writes_is_read_back(small_drill: Planned):
    path = truth.truth_path(small_drill.capture)
    assert truthfile.read(path, small_drill.capture) == small_drill.truth


def test_frames_by_hosts_and_time(capture: Path):
    text = "attacks:\n  - {id: a, kind: scan, sources: [192.0.2.0/24], targets: [10.0.0.1]%s}\n"
    (attack,) = read(capture, text % "").attacks
    assert attack.frames == ((1, 2), (6, 6))
    assert (attack.packets, attack.first_frame, attack.last_frame) == (3, 1, 6)
    assert (attack.start, attack.end) == (10**18, 10**18 + 5 * 10**9)
    assert (attack.sources, attack.targets, attack.detector) == (("192.0.2.0/24",), ("10.0.0.1",), "scan")
    until = ', until: "2001-09-09T01:46:41Z"'
    (attack,) = read(capture, text % until).attacks
    assert attack.frames == ((1, 2),)
    (attack,) = read(
        capture, 'attacks: [{id: b, kind: c2, sources: ["2001:db8::/32"], targets: ["fd00::1"]}]'
    ).attacks
    assert attack.frames == ((4, 4),)


def test_frames_that_are_named(capture: Path):
    named = "{id: a, kind: dos, sources: [], targets: [], frames: [[2, 3], [6, 6]], packets: 3}"
    text = f"packets: 6\nattacks: [{named}]"
    found = read(capture, text)
    assert found.attacks[0].frames == ((2, 3), (6, 6))
    assert found.packets == 6


TWO_BAD = """\
attacks:
  - {id: a, kind: tea, sources: [], targets: [x]}
  - {id: a, kind: scan, sources: [1.2.3.4], targets: [1.2.3.5], frames: [[3, 2]]}
"""
NOT_THERE = """\
bytes: 1
attacks:
  - {id: a, kind: scan, sources: [1.2.3.4], targets: [1.2.3.5]}
  - {id: b, kind: scan, sources: [], targets: [], frames: [[1, 7]]}
  - {id: c, kind: scan, sources: [], targets: [], frames: [[1, 2]], packets: 9}
"""


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", [(0, "", "nothing")]),
        ("attacks: []", [(1, "attacks", "empty")]),
        ("x: 1", [(1, "x", "unknown"), (1, "attacks", "missing")]),
        (
            TWO_BAD,
            [
                (2, "attacks[1].kind", "not_choice"), (2, "attacks[1].targets[1]", "not_prefix"),
                (2, "attacks[1].frames", "no_frames_named"), (3, "attacks[2].frames[1]", "not_run"),
                (3, "attacks[2].id", "same_id"),
            ],
        ),
        (
            NOT_THERE,
            [
                (1, "bytes", "disagrees"), (3, "attacks[1].frames", "no_frames"),
                (4, "attacks[2].frames", "beyond_capture"), (5, "attacks[3].packets", "disagrees"),
            ],
        ),
    ],
)  # fmt: skip
def test_every_fault(capture: Path, text: str, faults):
    with pytest.raises(FaultyInput) as caught:
        read(capture, text)
    told = [(f.line, f.field, f.key.partition(".")[2]) for f in caught.value.faults]
    assert sorted(told) == sorted(faults)
    assert [line for line, *_ in told] == sorted(line for line, *_ in told)


def test_no_capture(tmp_path: Path):
    with pytest.raises(InputError):
        read(tmp_path / "none.pcap", "attacks: [{id: a, kind: scan, sources: [1.2.3.4], targets: [1.2.3.5]}]")


@given(st.lists(st.booleans(), max_size=40))
def test_runs(chosen):
    runs = truthfile.runs_of(np.array(chosen, np.bool_))
    again = [any(first <= at <= last for first, last in runs) for at in range(1, len(chosen) + 1)]
    assert again == chosen
    assert all(b[0] - a[1] > 1 for a, b in itertools.pairwise(runs))
