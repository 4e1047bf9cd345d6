"""Conversations for parsers, without packets and with them."""

from __future__ import annotations

import importlib.util
import socket
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET, REASONS
from ingest.applications.parser import StreamParser
from ingest.applications.registry import parser_of
from ingest.applications.tables import FIELDS, KINDS
from ingest.decode.kernels import decode_pcap

_spec = importlib.util.spec_from_file_location(
    "application_examples", Path(__file__).with_name("examples.py")
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)
EXAMPLES = _module.examples()


class Said:
    """What a parser made: buffers and numbers by name, per transaction; events."""

    def __init__(self, parser):
        made = sorted(parser.closed, key=lambda t: t.number)
        self.parser = parser
        self.transactions = made
        self.buffers = [self._by_name(t.buffers, KINDS) for t in made]
        self.numbers = [self._by_name(t.numbers, FIELDS) for t in made]

    @staticmethod
    def _by_name(rows, names):
        out = {}
        for kind, _, _, _, value in rows:
            out.setdefault(names[kind], []).append(value)
        return out

    def values(self, kind):
        return [v for buffers in self.buffers for v in buffers.get(kind, [])]

    def integers(self, field):
        return [v for numbers in self.numbers for v in numbers.get(field, [])]


def speak(name, turns, ports=(4000, 80), carrier="tcp", cut=None, settings=None, about=""):
    """Run turns through a parser, each cut into pieces of `cut` bytes."""
    parser = parser_of(name)(settings or ApplicationSettings(), ports, about)
    frame = 0
    for direction, data in turns:
        if carrier == "udp" and not cut:
            frame += 1
            parser.datagram(direction, data, frame, frame * 10)
            continue
        for at in range(0, len(data), cut or max(len(data), 1)):
            piece = data[at : at + (cut or len(data))]
            frame += 1
            if not parser.done[direction] and not parser.becomes:
                assert isinstance(parser, StreamParser)
                parser.feed(direction, piece, ([len(piece)], [frame], [frame * 10]))
    parser.end(frame)
    return Said(parser)


@pytest.fixture(name="speak")
def _speak():
    return speak


@pytest.fixture
def examples():
    return EXAMPLES


@pytest.fixture
def said():
    """A protocol's example, read."""
    return lambda name: speak(name, *EXAMPLES[name])


def segment(src, dst, sport, dport, seq, ack, flags, data=b"", window=65535, urgent=0):
    tcp = struct.pack(
        ">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, window, 0, urgent
    )
    return ip(src, dst, 6, tcp + data)


def ip(src, dst, proto, body):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, proto, 0)
    return head + socket.inet_aton(src) + socket.inet_aton(dst) + body


def datagram(src, dst, sport, dport, data):
    return ip(src, dst, 17, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data)


CLIENT, SERVER = "10.0.0.1", "10.0.0.2"


def conversation(turns, ports=(4000, 80), fin=True):
    """A TCP connection as packets: handshake, turns, each acknowledged, and the end."""
    a, b = (CLIENT, SERVER, *ports), (SERVER, CLIENT, ports[1], ports[0])
    out = [segment(*a, 99, 0, 2), segment(*b, 499, 100, 0x12), segment(*a, 100, 500, 0x10)]
    at = [100, 500]
    for d, data in turns:
        ends = (a, b)[d], (b, a)[d]
        for i in range(0, len(data), 1000):
            out.append(segment(*ends[0], at[d], at[1 - d], 0x18, data[i : i + 1000]))
            at[d] += len(data[i : i + 1000])
            out.append(segment(*ends[1], at[1 - d], at[d], 0x10))
    if fin:
        out += [segment(*a, at[0], at[1], 0x11), segment(*b, at[1], at[0] + 1, 0x11)]
        out += [segment(*a, at[0] + 1, at[1] + 1, 0x10)]
    return out


def decoded(packets, link=101):
    """Packet rows and the buffer their bytes are in."""
    body = b"".join(
        struct.pack("<IIII", 1_700_000_000 + i, 0, len(p), len(p)) + p for i, p in enumerate(packets)
    )
    buffer = np.frombuffer(body, np.uint8)
    rows = np.zeros(len(packets), PACKET)
    reasons = np.zeros(len(REASONS), np.int64)
    n, _, _ = decode_pcap(buffer, 0, len(buffer), np.uint64(0), False, 1000, link, rows, reasons)
    assert n == len(packets)
    return rows, buffer


@pytest.fixture
def packets():
    """Makers of packets: conversation, segment, datagram, decoded."""
    import types

    return types.SimpleNamespace(
        conversation=conversation,
        segment=segment,
        datagram=datagram,
        decoded=decoded,
        client=CLIENT,
        server=SERVER,
    )
