"""Our decode as it is measured."""

from __future__ import annotations

from bench.ours.decode import OurDecode, run
from citywall import __version__


def test_every_packet_is_read(captures):
    assert run(str(captures[1].path)) == 3_000


def test_it_is_measured_in_a_worker(captures):
    subject = OurDecode()
    assert subject.version() == __version__
    run = subject.measure(captures)
    assert run.packets == 3_000
    assert run.startup_wall > 0
