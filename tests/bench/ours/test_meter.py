"""Our meter as it is measured."""

from __future__ import annotations

from bench.ours.meter import OurMeter, feed, run
from citywall import __version__


def test_every_packet_is_read(captures):
    assert run(str(captures[1].path)) == 3_000


def test_it_is_measured_in_a_worker(captures):
    subject = OurMeter()
    assert subject.version() == __version__
    run = subject.measure(captures)
    assert run.packets == 3_000
    assert run.startup_wall > 0


def test_a_part_of_a_capture_can_be_fed(captures):
    from citywall.domains import Domains, DomainSettings
    from citywall.settings import MeterSettings
    from ingest.meter import FlowMeter

    meter = FlowMeter(MeterSettings(), Domains(DomainSettings()))
    packets = feed(meter, str(captures[1].path), 1)
    assert 1 <= packets <= 3_000
    assert meter.live > 0
