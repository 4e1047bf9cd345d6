"""Models at work: the same findings whatever the batches, the partitions and where it was cut off."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import FLOW, OPEN
from citywall.findings import Severity, event_order
from detectors.places import Places
from models import serving
from models.flows import hosts, model, online
from models.serving import LATENESS_NS, ModelSet

END_OF_TIME = 1 << 62


@pytest.fixture(scope="module")
def rows(flows_of):
    found, _ = flows_of(20, 1500, minutes=6)
    opened = found[:100].copy()
    opened["kind"] = OPEN
    both = np.concatenate([found, opened])
    return both[np.lexsort((both["flow_id"], both["time"]))]


@pytest.fixture(scope="module", autouse=True)
def soon():
    """The online model speaks after few rows, of many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(online, "LEAST", 20)
        patch.setattr(online, "WINDOW", 16)
        yield


@pytest.fixture(scope="module")
def make(flow_files):
    flow, host = model.of(flow_files[0], "flow", "f"), model.of(flow_files[1], "host", "h")

    def share(flows):
        return (flows["src_lo"] % 3).astype(np.uint8)

    def build(mine=lambda rows: np.ones(len(rows), bool)):
        return ModelSet(flow, host, Places(["10.0.0.0/8"]), mine, FLOW, share=share)

    return build


def run(sets, rows, size, restart=None):
    """Findings of all sets, rows given `size` at a time, each batch's time being promised behind it."""
    found = []
    for at in range(0, len(rows), size):
        some = rows[at : at + size]
        frontier = int(some["time"][-1])  # rows of this very time may follow
        for i in range(len(sets)):
            one = sets[i]
            if restart and at >= len(rows) // 2 and restart[i] is not None:
                fresh, restart[i] = restart[i], None
                fresh.restore({k: v.copy() if hasattr(v, "copy") else v for k, v in one.snapshot().items()})
                sets[i] = one = fresh
            found += one.process(some, "s", "live")
            told = one.advance(frontier, "s", "live")
            assert all(f.time < frontier for f in told)
            found += told
    for one in sets:
        found += one.advance(END_OF_TIME, "s", "live")
    return sorted(found, key=event_order)


@pytest.fixture(scope="module")
def wanted(make, rows):
    return run([make()], rows, len(rows))


def test_all_find_the_scanner(wanted):
    assert {f.detector for f in wanted} == {"model_flow", "model_host", "model_online"}
    scanner = [f for f in wanted if f.entity == "10.20.1.200"]
    assert len([f for f in scanner if f.detector != "model_online"]) > 0.8 * len(
        [f for f in wanted if f.detector != "model_online"]
    )
    for f in wanted:
        assert f.facts["reason_1"]
        assert f.evidence[0].flow_id
        assert f.score >= f.threshold
        assert 0 <= f.confidence <= 1
        assert (f.severity == Severity.INFORMATIONAL) == (f.detector == "model_online")
    assert len({f.id for f in wanted}) == len(wanted)
    # Of a source's flows the first, the second, the fourth … are told.
    assert len([f for f in scanner if f.kind == "flow_like_attack"]) < 12
    minute = next(f for f in wanted if f.kind == "strange_minute")
    assert minute.time == minute.began + hosts.WINDOW_NS + LATENESS_NS


def test_what_may_be_spoofed_is_left_to_others(make, rows):
    outside = rows.copy()
    outside["src_lo"] = 0xFFFFCB007100 + np.arange(len(rows)) % 200  # 203.0.113.0/24
    told = [f for f in run([make()], outside, 500) if f.detector == "model_flow"]
    answered = {int(r["flow_id"]) for r in outside if r["src_payload"] and r["dst_packets"]}
    assert {f.evidence[0].flow_id for f in told} <= answered


@pytest.mark.parametrize("size", [1, 7, 400])
def test_batches_change_nothing(make, rows, wanted, size):
    some = rows if size > 1 else rows[:200]
    want = wanted if size > 1 else run([make()], some, 200)
    assert run([make()], some, size) == want


def test_partitions_change_nothing(make, rows, wanted):
    sets = [make(lambda r, p=p: r["src_lo"] % 3 == p) for p in range(3)]
    assert run(sets, rows, 50) == wanted


def test_cut_off_and_restored(make, rows, wanted):
    assert run([make()], rows, 60, restart=[make()]) == wanted


def test_memory_is_bounded(make, rows, monkeypatch):
    monkeypatch.setattr(serving, "MOST", 10)
    one = make()
    one.process(rows, "s", "live")
    assert len(one.snapshot()["held"]) <= 10 * 8


def test_a_new_session_forgets(make, rows, wanted):
    one = make()
    run([one], rows, 100)
    one.reset()
    assert run([one], rows, 100) == wanted


def test_a_snapshot_that_is_none(make):
    parts = make().snapshot()
    with pytest.raises(ValueError, match="cannot be read"):
        make().restore(parts | {"head": b"\xc1"})


def test_cards():
    for name, card in serving.cards().items():
        assert card.id == name
        assert card.title_zh
