"""Datagrams out of files and captures."""

from __future__ import annotations

from citywall.batches import PACKET
from citywall.scratch import Scratch
from ingest.capture import open_capture
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import REASONS, bare, of_block, split_file
from ingest.decode.counts import DecodeCounts
from tests.exporters import five, flow, ten

RECORD = flow("10.0.0.1", "10.0.0.2", 1, 2)


def test_ipfix_files_are_messages_in_a_row_and_others_one_datagram():
    messages = [ten(sequence=n) for n in range(3)]
    assert split_file(b"".join(messages)) == messages
    assert split_file(b"".join(messages) + b"\0\x0a\xff") == [*messages, b"\0\x0a\xff"]
    assert split_file(five(RECORD)) == [five(RECORD)]
    assert split_file(b"") == []
    datagrams = bare(messages, time=5)
    assert [datagrams.raw(i) for i in range(3)] == messages
    assert [datagrams.part(1, 3).raw(i) for i in range(2)] == messages[1:]


def test_reasons_are_those_of_the_kernels():
    assert REASONS[k.NONE] == "none"
    assert REASONS[k.VARIABLE] == "variable_length_wrong"
    assert len(REASONS) == k.VARIABLE + 1


def test_udp_payloads_of_a_capture_with_their_sender(shared_data):
    path = shared_data / "captures/netflow/pmacct-100-IPFIXv10-CISCO/traffic-00.pcap"
    with open_capture(path) as capture:
        room = Scratch(PACKET)
        blocks = capture.blocks(1 << 20)
        parts = [d for ref in blocks for d in of_block(ref, capture.buffer, DecodeCounts(), room)]
    (datagrams,) = parts
    assert len(datagrams) == 6
    assert all(datagrams.raw(i)[:2] == b"\0\x0a" for i in range(6))
    assert set((datagrams.lo & 0xFFFFFFFF).tolist()) == {2327511053}
    assert (datagrams.times > 0).all()
