"""The plain client moves every byte."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.peers.raw_kafka import RawClient, report


def test_every_byte_arrives(kafka_url, captures):
    bootstrap = kafka_url.removeprefix("kafka://")
    assert report(bootstrap, str(captures[1].path)) == {"bytes": captures[1].path.stat().st_size}


def test_it_is_measured_as_a_process(kafka_url, captures):
    peer = RawClient(kafka_url.removeprefix("kafka://"))
    assert peer.version()
    assert peer.usage(captures[0]).wall > 0


def test_a_broker_that_is_away_is_an_error(captures):
    with pytest.raises(BenchError):
        RawClient("127.0.0.1:9").usage(captures[0])
