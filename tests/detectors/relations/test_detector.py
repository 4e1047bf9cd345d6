"""What detectors of relations share: estimates within their bounds, names of ends."""

from __future__ import annotations

import numpy as np
import pytest
import relation_scenes as related
from relation_oracle import rank

from citywall.findings import Endpoint
from detectors.base import plain
from detectors.limits import reach_of
from detectors.places import Places
from detectors.policy import Policy, PolicyParameters
from detectors.registry import DETECTORS
from detectors.relations import records
from detectors.relations.detector import crowd, estimate, first_of, seconds
from detectors.relations.tables import RelationParameters, Relations


@pytest.mark.parametrize("distinct", [5, 40, 400, 20000])
def test_distinct_hosts_are_estimated_within_the_bound(distinct):
    """Three standard errors of 1.04 / sqrt(registers) (Flajolet et al. 2007), over a mean of trials."""
    rng = np.random.default_rng(distinct)
    trials = 6
    registers = np.zeros((trials, records.REGISTERS), np.uint8)
    for row in registers:
        mine = row.tolist()
        for h in rng.integers(0, 2**64, distinct, "u8").tolist():
            rank(mine, h)
        row[:] = mine
    wrong = np.abs(estimate(registers) / distinct - 1)
    assert wrong.max() <= max(3 * 1.04 / np.sqrt(records.REGISTERS), 1.01 / distinct)


def test_a_crowd_is_counted_by_what_is_left_empty():
    assert crowd(np.array([64, 63])).round().tolist() == [0, 1]
    assert 18 <= crowd(48) <= 19
    assert crowd(0) > 250


def test_names_of_ends():
    policy = Policy(PolicyParameters(), Places(()))
    source, target = Endpoint("10.0.0.1"), Endpoint("192.0.2.1", port=443)
    assert policy.between(source, target) == "10.0.0.1>192.0.2.1:443"
    assert policy.between(source, Endpoint("192.0.2.1")) == "10.0.0.1>192.0.2.1"
    assert seconds(5, 3) == 0
    assert related.inside(0) == "10.0.0.0"


@pytest.mark.parametrize("turned", [False, True])
def test_the_first_flow_of_a_pair_is_told_by_what_it_keeps(turned):
    """As its meter told it: what every other record keeps of its first flow."""
    rows = related.beacon().reports()
    if turned:  # an answer that was seen first, which its meter took for the question
        rows["src_port"], rows["dst_port"] = 443, rows["src_port"] + 32768
        rows["first_flags"] = 16
    made = Relations(RelationParameters(), reach_of({n: d.Parameters() for n, d in DETECTORS.items()}))
    shown = made.observe_flows(rows)
    pair, row = plain(shown.pairs, np.arange(len(shown.pairs)))[0], plain(rows, np.array([0]))[0]
    assert pair["first_turned"] == turned
    names = ("flow_id", "frame", "offset", "src_hi", "src_lo", "dst_hi", "dst_lo", "domain", "src_port",
             "dst_port", "proto")  # fmt: skip
    assert first_of(pair) == {f"first_{n}": row[n] for n in names} | {"first_time": row["first"]}
    policy = Policy(PolicyParameters(), Places(()))
    assert policy.evidence(pair, row) == (policy.places.report(row),)  # both are one
    later = row | {"flow_id": row["flow_id"] + 1}
    assert [e.flow_id for e in policy.evidence(pair, later)] == [row["flow_id"], row["flow_id"] + 1]
