"""Every peer that is present reads every packet; one that is absent says how to get it."""

from __future__ import annotations

import importlib.metadata

import pytest

from bench import subjects
from bench.captures import Capture
from bench.generator.capture import Profile, write_capture
from bench.peers import dpkt, nfstream, scapy, softflowd, tcpdump

PACKETS = 3_000
PEERS = [
    dpkt.Dpkt,
    scapy.Scapy,
    nfstream.Nfstream,
    nfstream.NfstreamProcess,
    tcpdump.Tcpdump,
    softflowd.Softflowd,
]


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    made = []
    for packets in (300, PACKETS):
        path = folder / f"{packets}.pcap"
        write_capture(path, packets, Profile(concurrent=100))
        made.append(Capture(path, packets))
    return tuple(made)


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_is_present_reads_the_capture(peer, captures):
    subject = peer()
    if subject.version() is None:
        pytest.skip(f"{subject.name} is absent: {subject.obtain}")
    run = subject.measure(captures)
    assert run.packets == PACKETS
    assert run.cpu + run.startup_cpu > 0
    assert run.wall + run.startup_wall > 0


@pytest.mark.parametrize("peer", PEERS)
def test_an_absent_peer_has_no_version_and_says_how_to_get_it(peer, monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setattr(subjects.shutil, "which", lambda *_, **__: None)
    assert peer().version() is None
    assert peer().obtain.startswith(("make peers", "apt-get install "))


@pytest.mark.parametrize("module", [dpkt, scapy])
def test_parsers_count_every_packet(module, captures):
    pytest.importorskip(module.__name__.rpartition(".")[2])
    assert module.run(str(captures[0].path)) == 300
