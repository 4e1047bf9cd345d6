"""Attacks that talk home: a beacon, a tunnel in names, and data carried out."""

from __future__ import annotations

import base64
import struct

from drills.stage import SECOND, Stage, Tcp, ask
from drills.traffic.offices import tls
from drills.traffic.plan import Ends

_TXT, _INTERNET = 16, 1
_LABEL = 63  # bytes of a label, at most (RFC 1035 §2.3.4)


def beacon(
    stage: Stage, start: int, *, source: str = "10.20.30.17", target: str = "192.0.2.200", port: int = 443,
    every: int = 10, jitter: int = 10, seconds: int = 300,
) -> Ends:  # fmt: skip
    """A host that was taken over asks its controller for orders, `every` so many seconds give or take.

    `jitter` is in percent of the pause. The same small sizes each time; once in ten there is an order.
    """
    infected, controller = stage.party(source), stage.party(target)
    time, end, number = start, start + seconds * SECOND, 0
    while time < end:
        number += 1
        tcp = Tcp(stage, infected, controller, port, time, rtt=0.03).open()
        tls(tcp, stage, (212, 96 if number % 10 else 1400)).close()
        time += int(every * SECOND * (1 + stage.dice.uniform(-jitter, jitter) / 100))
    return Ends((infected.address,), (controller.address,))


def tunnel(
    stage: Stage, start: int, *, source: str = "10.20.30.17", target: str = "dns",
    domain: str = "update.cdn-edge.example", rate: int = 8, seconds: int = 60,
) -> Ends:  # fmt: skip
    """Data leaves as names of `domain`, asked of the organisation's own name server; orders return as TXT."""
    infected, server = stage.party(source), stage.party(target)
    for i in range(rate * seconds):
        time = start + int((i + stage.dice.random()) / rate * SECOND)
        carried = base64.b32encode(stage.junk(60)).decode().rstrip("=").lower()
        name = f"{carried[:_LABEL]}.{carried[_LABEL:]}.{domain}"
        question = _question(stage.dice.getrandbits(16), name)
        ask(stage, infected, server, 53, time, question, _answer(question, stage.junk(120)))
    return Ends((infected.address,), (server.address,))


def theft(
    stage: Stage, start: int, *, source: str = "files", target: str = "192.0.2.140", port: int = 443,
    kilobytes: int = 3000, seconds: int = 40,
) -> Ends:  # fmt: skip
    """A server sends data out: one long upload that hardly anything comes back for."""
    inside, outside = stage.party(source), stage.party(target)
    parts = max(1, kilobytes // 64)
    tcp = tls(Tcp(stage, inside, outside, port, start, rtt=0.02).open(), stage)
    for _ in range(parts):
        tcp.send(stage.junk(64_000)).reply(b"\x17\x03\x03\x00\x18" + stage.junk(24))
        tcp.wait(stage.dice.uniform(0.5, 1.0) * seconds / parts)
    tcp.close()
    return Ends((inside.address,), (outside.address,))


def _question(number: int, name: str) -> bytes:
    """A DNS question for TXT records of `name` (RFC 1035 §4.1)."""
    labels = b"".join(struct.pack(">B", len(label)) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(
        ">HH", _TXT, _INTERNET
    )  # fmt: skip


def _answer(question: bytes, text: bytes) -> bytes:
    """The answer to `question` with one TXT record."""
    head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, _TXT, _INTERNET, 1, len(text) + 1) + bytes([len(text)]) + text
    return head + question[12:] + record
