"""Who is struck, and what is noticed. A whole play on real servers is in tests/bench/benchmarks."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from bench.chaos import alerts, play
from bench.chaos.play import VICTIMS, Outcome, Play, deck
from bench.errors import BenchError
from bench.ours.alerts import documents
from bench.services.elasticsearch import Elasticsearch
from bench.services.kafka import Kafka


def test_every_victim_comes_once_in_four_and_the_seed_says_when():
    dealt = list(islice(deck(random.Random(3)), 12))
    for at in range(0, 12, 4):
        assert set(dealt[at : at + 4]) == set(VICTIMS)
    assert dealt == list(islice(deck(random.Random(3)), 12))
    assert dealt != list(islice(deck(random.Random(4)), 12))


@pytest.mark.parametrize("fault", ["lost", "doubled", "different", "counts"])
def test_one_fault_is_enough(fault):
    assert not Outcome(gave_up=["owner ended with 1"], cut_short=True).wrong
    assert Outcome(**{fault: ["run 1 reports"] if fault == "counts" else 1}).wrong


class Side:
    """What a finished run left."""

    def __init__(self, found, counts):
        self._found, self._counts = found, counts

    def alerts(self):
        return self._found

    def counts(self):
        return self._counts


def test_a_run_is_judged_by_the_undisturbed_one(tmp_path):
    told = []
    kafka, store = Kafka(tmp_path / "kafka"), Elasticsearch(tmp_path / "elasticsearch")
    made = Play(
        tmp_path / "c.pcap", tmp_path, kafka, store, kills=1, seed=1, seconds=1, outage_s=0, say=told.append
    )
    expected = list(documents(4))
    made._expected, made._counts = alerts.by_id(expected), {"packets": 9}
    made._judge(Side(expected, {"packets": 9}), "disturbed")
    assert not made.outcome.wrong
    made._judge(Side([*expected[2:], expected[3]], {"packets": 8}), "disturbed")
    outcome = made.outcome
    assert (outcome.runs, outcome.lost, outcome.doubled, outcome.different) == (2, 2, 1, 0)
    assert outcome.counts == ["run 2 reports {'packets': 8}, not {'packets': 9}"]
    assert "2 lost, 1 doubled" in told[-1]


def test_a_run_that_sticks_is_an_error(tmp_path):
    class Quiet:
        def tail(self):
            return "said nothing"

    side = Side([], {})
    side.owner = side.worker = Quiet()
    Play._see(play.STUCK_S - 1, side)
    with pytest.raises(BenchError, match="nothing moved for 151 s\nsaid nothing"):
        Play._see(play.STUCK_S + 1, side)
