"""What the benchmarks add to the comparison: memory and scale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.benchmarks import decode, end_to_end, meter
from bench.captures import MILLION_PACKETS, Capture
from bench.harness import Context
from bench.process import Usage
from bench.registry import BENCHMARKS


class FakeCaptures:
    def get(self, packets: int, profile: str = "extranet") -> Capture:
        return Capture(Path(f"{profile}-{packets}.pcap"), packets)


def compared(name, context, ours, peers):
    """Stands for the comparison: a packet of a larger capture costs more."""
    cases = {f"{n // 1_000_000}M": n / 1e15 for n in context.sizes}
    return {"name": name, "ours": cases, "units": {}, "peers": {peer.name: {} for peer in peers}}


@pytest.fixture
def context():
    return Context((2_000_000, 20_000_000), 1, FakeCaptures(), lambda _: None)


def test_every_benchmark_is_registered_under_its_name():
    assert list(BENCHMARKS) == ["decode", "meter", "end-to-end"]
    for name, benchmark in BENCHMARKS.items():
        assert benchmark.name == name


def test_decode_is_compared_with_parsers_and_with_libpcap(context, monkeypatch):
    monkeypatch.setattr(decode, "compare", compared)
    assert set(decode.Decode().run(context)["peers"]) == {"dpkt", "scapy", "tcpdump"}


def test_the_meter_tells_how_cost_grows_and_what_a_million_flows_weigh(context, monkeypatch):
    asked = []

    def run(argv, **_):
        asked.append(argv)
        return Usage(1, 1, 1, 'noise\n{"flows": 1000000, "above_idle": 500}\n')

    monkeypatch.setattr(meter, "compare", compared)
    monkeypatch.setattr(meter.process, "run", run)
    result = meter.Meter().run(context)
    assert result["ours"]["20M/2M"] == pytest.approx(10)
    assert result["ours"]["memory"] == 500
    assert result["memory"]["flows"] == 1_000_000
    assert set(result["units"]) == {"20M/2M", "memory"}
    assert set(result["peers"]) == {"nfstream", "softflowd"}
    assert asked[0][-3:-1] == ["ours.memory", f"million-{MILLION_PACKETS}.pcap"]


def test_one_size_alone_says_nothing_about_scale(context, monkeypatch):
    monkeypatch.setattr(meter, "compare", compared)
    monkeypatch.setattr(
        meter.process, "run", lambda *_, **__: Usage(1, 1, 1, '{"flows": 1, "above_idle": 5}')
    )
    alone = Context((2_000_000,), 1, context.captures, context.say)
    assert set(meter.Meter().run(alone)["units"]) == {"memory"}


def test_the_whole_run_is_weighed_against_itself_with_next_to_no_flows(context, monkeypatch):
    def run_command(capture, *settings):
        assert settings == (end_to_end.CHECKPOINT,)
        peak = 900 if "million" in capture.path.name else 200
        return Usage(1, 1, peak, json.dumps({"flows": 7, "packets": capture.packets}))

    monkeypatch.setattr(end_to_end, "compare", compared)
    monkeypatch.setattr(end_to_end, "run_command", run_command)
    result = end_to_end.EndToEnd().run(context)
    assert result["ours"]["memory"] == 700
    assert result["memory"]["packets"] == MILLION_PACKETS
    assert set(result["peers"]) == {"nfstream"}
