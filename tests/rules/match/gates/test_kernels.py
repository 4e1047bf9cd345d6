from __future__ import annotations

import numpy as np

from rules.language.parser import Parser
from rules.match.compiled import compile_rules
from rules.match.gates import kernels
from rules.match.gates.tables import Columns, Gates
from tests.rules.match.gates.test_tables import ends_of

TEXT = """
alert tcp any any -> any 80 (flow:established,to_server; content:"aaa"; sid:1;)
alert tcp any any -> any 81 (content:"aaa"; sid:2;)
alert tcp any any -> any 80 (content:"bbb"; offset:3; sid:3;)
alert tcp-pkt any any -> any any (content:"bbb"; dsize:>5; sid:4;)
"""
SOME = [("10.0.0.1", 4000, "10.0.0.2", 80, 6), ("10.0.0.2", 80, "10.0.0.1", 4000, 6)]


def passing(pairs, *, streams, streamed=(False, False), established=(1, 1), sizes=(10, 10)):
    rules = compile_rules(Parser().text(TEXT).rules)
    orders = {c.rule.sid: c.order for c in rules}
    gates = Gates(rules)
    by_literal = [[orders[1], orders[2]], [orders[3], orders[4]]]
    first = np.cumsum([0, *map(len, by_literal)]).astype(np.int64)
    columns = Columns(
        np.array([0, 1, -1]), np.array([0, 1]), np.array(established), np.array(streamed), np.array(sizes)
    )
    found, told = gates.pass_pairs(
        np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64),
        (first, np.concatenate(by_literal)), columns, ends_of(SOME, len(gates)), streams=streams,
    )  # fmt: skip
    sids = {order: sid for sid, order in orders.items()}
    return sorted((int(item), sids[int(order)]) for item, order in zip(found, told, strict=True))


def test_direction_state_ports_and_sizes():
    everything = [(i, literal) for i in range(3) for literal in (0, 1)]
    assert passing(everything, streams=False) == [(0, 1), (0, 3), (0, 4), (1, 4)]
    assert passing(everything, streams=False, established=(0, 0)) == [(0, 3), (0, 4), (1, 4)]
    assert passing(everything, streams=False, sizes=(5, 6)) == [(0, 1), (0, 3), (1, 4)]


def test_packets_of_streams_are_left_to_the_stream():
    assert passing([(0, 0), (0, 1)], streams=False, streamed=(True, True)) == [(0, 3), (0, 4)]
    assert passing([(0, 0), (0, 1)], streams=True) == [(0, 1), (0, 3)]


def test_what_does_not_fit_is_taken_up_again(monkeypatch):
    monkeypatch.setattr("rules.match.gates.tables._ROOM", 2)
    assert passing([(0, 0)] * 5, streams=True) == [(0, 1)] * 5
    assert kernels.ON_PACKETS != kernels.ON_STREAMS
