from __future__ import annotations

from citywall.batches import DNS_QUERY
from citywall.domains import Domains, DomainSettings
from detectors import registry
from stream.lookouts import IndicatorLookout, Watched, beside
from tests.rules.indicators.rows import events, flow, flows
from tests.rules.indicators.test_kernels import listed

FLOWS = flows(*(flow(f"10.0.0.{n}", "203.0.113.1", flow_id=n, time=n) for n in range(40)))
EVENTS = events(*((DNS_QUERY, [b"evil.example"], {"source": f"10.0.0.{n}", "time": n}) for n in range(40)))
LOOKOUTS = (
    IndicatorLookout(listed("address", "203.0.113.1"), Domains(DomainSettings())),
    IndicatorLookout(listed("domain", "evil.example"), Domains(DomainSettings())),
)


def test_each_row_is_looked_at_by_one_partition():
    whole = Watched(None, lambda _: LOOKOUTS, 0, None).process(FLOWS, EVENTS, "s", "live")
    assert len(whole) == 80
    sharing = registry.sharing({}, 4)
    parts = [
        found
        for partition in range(4)
        for found in Watched(None, lambda _: LOOKOUTS, partition, sharing).process(FLOWS, EVENTS, "s", "live")
    ]
    assert sorted(found.id for found in parts) == sorted(found.id for found in whole)


def test_detectors_go_on_as_they_would_alone():
    plain = registry.build({}, ())
    watched = beside(lambda _: registry.build({}, ()), lambda _: (), None)(0)
    assert watched.process(FLOWS, EVENTS, "s", "live") == plain.process(FLOWS, EVENTS, "s", "live")
    assert watched.snapshot().keys() == plain.snapshot().keys()
    watched.restore(plain.snapshot())
    assert watched.advance(0, "s", "live") == []
    assert watched.close("s", "live") == []
    alone = Watched(None, lambda _: (), 0, None)
    assert (alone.snapshot(), alone.close("s", "live")) == ({}, [])
