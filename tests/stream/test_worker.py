"""What a worker refuses; that it works is tested in `end_to_end/test_kafka`."""

from __future__ import annotations

import pytest

from citywall.errors import SettingsError, StreamError
from citywall.settings import load
from stream.board import Board
from stream.stages import Station
from stream.worker import Rest, work


def test_a_worker_needs_a_shared_transport():
    with pytest.raises(SettingsError, match="transport: a worker needs kafka://HOST:PORT"):
        work(load(None, {}, []))


def test_a_cluster_that_is_not_there_is_said():
    settings = load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0"])
    with pytest.raises(StreamError, match=r"kafka://127\.0\.0\.1:9: no broker answers"):
        work(settings)


def test_rest_is_measured_from_the_last_message(standins, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("stream.worker.time.monotonic", lambda: clock[0])
    board, rest = Board(), Rest()
    station = Station(standins.Numbers())
    board.watch(station)
    assert rest.seconds(board) == 0
    clock[0] += 5
    assert rest.seconds(board) == 5
    station.cost.messages += 1
    assert rest.seconds(board) == 0
