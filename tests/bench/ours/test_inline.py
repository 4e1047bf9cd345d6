"""The sensor as it is measured, into a run on the tests' Kafka."""

from __future__ import annotations

import json

import pytest

from bench.captures import Capture
from bench.errors import BenchError
from bench.ours.inline import Inline


@pytest.mark.slow
def test_every_packet_is_taken(kafka_url, captures):
    usage = Inline(kafka_url).usage(captures[0])
    assert json.loads(usage.output.splitlines()[-1])["packets"] == captures[0].packets
    assert usage.wall > 0
    with pytest.raises(BenchError, match="the run took 300 of 301 packets"):
        Inline(kafka_url).usage(Capture(captures[0].path, 301))
