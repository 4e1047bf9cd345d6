"""The decode benchmark."""

from __future__ import annotations

from bench.benchmarks import decode


def test_decode_is_compared_with_parsers_and_with_libpcap(context, compared, monkeypatch):
    monkeypatch.setattr(decode, "compare", compared)
    assert set(decode.Decode().run(context)["peers"]) == {"dpkt", "scapy", "tcpdump"}
