from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.registry import PARSERS, TCP, UDP, looks_of, parser_of, recognise

NAMES = [entry.name for entry in PARSERS if entry.tcp or entry.udp]


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_is_recognised_by_its_first_bytes(name, examples):
    turns, ports, carrier = examples[name]
    direction, data = turns[0]
    assert recognise(TCP if carrier == "tcp" else UDP, direction, data, ports) == name
    assert parser_of(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_where_a_stream_is_cut_changes_nothing(name, speak, examples):
    turns, ports, carrier = examples[name]
    whole = speak(name, turns, ports, carrier)
    for cut in (1, 2, 7) if carrier == "tcp" else ():
        again = speak(name, turns, ports, carrier, cut=cut)
        assert (again.buffers, again.numbers) == (whole.buffers, whole.numbers)


@pytest.mark.parametrize("name", NAMES)
def test_broken_conversations_are_read_to_their_end(name, speak, examples):
    turns, ports, carrier = examples[name]
    rng = random.Random(7)
    for _ in range(60):
        broken = []
        for direction, said in turns:
            data = bytearray(said)
            for _ in range(rng.randrange(4)):
                if data:
                    data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            broken.append(
                (direction, bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data))
            )
        found = speak(name, broken, ports, carrier)
        assert sum(len(b) for t in found.transactions for *_, b in t.buffers) < 1 << 20
        assert not found.parser.open


@settings(max_examples=60)
@given(st.binary(max_size=80), st.sampled_from([(4000, p) for p in (53, 88, 161, 389, 445, 502, 20000, 80)]))
def test_any_bytes_are_recognised_or_not(data, ports):
    for name in NAMES:
        for direction in (0, 1):
            assert looks_of(name)(direction, data, ports) in (True, False, None)
