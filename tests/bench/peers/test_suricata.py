"""Suricata, where it is installed, reads every packet and tells what its rule asks."""

from __future__ import annotations

import pytest

from bench.peers import suricata
from tests.bench.generator.test_mixing import folder

__all__ = ["folder"]


@pytest.mark.skipif(suricata.version() is None, reason="suricata is not installed")
def test_it_reads_every_packet(folder, tmp_path):
    from bench.generator.mixing import write_mix

    capture, warm, rules = (tmp_path / name for name in ("mix.pcap", "warm.pcap", "a.rules"))
    facts, few = write_mix(capture, folder, 40), write_mix(warm, folder, 5)
    rules.write_text("alert ip any any -> any any (ttl:>0; sid:1;)", "utf-8")
    told = suricata.report(str(capture), str(warm), str(rules))
    assert told["packets"] == facts["packets"] - few["packets"]
    assert told["alerts"] == facts["packets"]
    assert suricata.report(str(capture), str(warm), "")["alerts"] == 0


def test_where_it_is_not(nothing_installed):
    assert suricata.version() is None
