"""nfcapd, where it is installed, reads every record."""

from __future__ import annotations

import socket

import pytest

from bench.ours import netflow
from bench.peers import nfcapd


@pytest.mark.skipif(nfcapd.version() is None, reason="nfcapd is not installed")
def test_it_reads_every_record(tmp_path):
    peer = nfcapd.Nfcapd(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for payload in netflow.datagrams(9, 240):
            sender.sendto(payload, ("127.0.0.1", peer.port))
    while not peer.idle():
        pass
    records, seconds = peer.finish()
    assert records == 240
    assert seconds >= 0


def test_where_it_is_not(nothing_installed):
    assert nfcapd.version() is None
