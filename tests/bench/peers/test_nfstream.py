"""nfstream as a peer, its work alone and as a whole process."""

from __future__ import annotations

from bench.peers import nfstream


def test_it_reads_every_packet_where_it_is_present(reads_everything):
    reads_everything(nfstream.Nfstream())


def test_where_it_is_absent_it_says_how_to_get_it(nothing_installed):
    assert nfstream.Nfstream().version() is None
    assert nfstream.Nfstream().obtain.startswith("make peers")


def test_the_whole_process_reads_them_too(reads_everything):
    reads_everything(nfstream.NfstreamProcess())


def test_the_whole_process_is_absent_with_the_library(nothing_installed):
    assert nfstream.NfstreamProcess().version() is None
