"""Chaos with few kills, on servers of the test's own."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from bench import results, table
from bench.benchmarks import chaos
from bench.chaos.play import VICTIMS, Outcome, Play

KILLS, SEED = len(VICTIMS), 20261122


@pytest.mark.slow
def test_a_kill_of_each_loses_and_doubles_nothing(own_kafka, own_elasticsearch, tmp_path):
    told = []
    play = Play(
        chaos.scene(tmp_path / "scene.pcap", 1, 3), tmp_path, own_kafka, own_elasticsearch,
        kills=KILLS, seed=SEED, seconds=240, outage_s=3, say=told.append,
    )  # fmt: skip
    outcome = play.run()
    assert (outcome.lost, outcome.doubled, outcome.different, outcome.counts) == (0, 0, 0, []), told
    assert outcome.alerts >= 3
    assert outcome.kills.total() == KILLS, told
    assert set(outcome.kills) == set(VICTIMS)
    assert outcome.runs >= 2
    assert outcome.recovery


@pytest.fixture
def outcome():
    return Outcome(
        alerts=9, kills=Counter(owner=2, kafka=1), recovery={"owner": [1.0, 3.0], "kafka": [8.0]}, runs=2,
        seconds=60, undisturbed_s=5,
    )  # fmt: skip


def test_the_result_reads_well(outcome, tmp_path):
    result = chaos.describe(outcome, 3, {"cpu": "x"})
    assert result["failed"] is None
    assert result["recovery"]["all"] == {"min": 1.0, "median": 3.0, "max": 8.0}
    assert result["ours"] == {"owner": 2.0, "kafka": 8.0}
    readable = results.readable(result)
    assert "3 kills (kafka 1, owner 2) in 2 runs of 9 alerts" in readable
    assert "0 lost, 0 doubled, 0 different" in readable
    assert "median of 2" in readable
    results.save(result, tmp_path)
    kept = results.load(["chaos"], tmp_path)
    assert any("killed at random: 3 kills" in note for note in table._notes(kept["chaos"]))


def test_the_result_says_what_went_wrong(outcome):
    wrong = dataclasses.replace(
        outcome, lost=1, cut_short=True, gave_up=["owner ended with 1: x"], recovery={}
    )
    result = chaos.describe(wrong, 9, {})
    assert result["failed"]
    notes = " ".join(result["notes"])
    assert "before the 9 kills asked for" in notes
    assert "1 times a program of ours ended by itself" in notes
    assert result["recovery"]["all"] == {"min": 0.0, "median": 0.0, "max": 0.0}
