"""Conversations that kernels read, held to what the parsers in Python say of them."""

from __future__ import annotations

from unittest import mock

from tests.fuzz.targets import CUT, Target
from tests.fuzz.targets.applications import examples

ROOMS = ("ingest.applications",)
#: Server's port and carrier, by the low bits of a turn's second byte.
PLACES = ((445, 6), (135, 6), (53, 6), (53, 17), (161, 17), (80, 6), (5355, 17), (88, 6))
#: Bytes of the length that stands before a message over TCP.
FRAMED = {"dns": 2, "krb5": 4}

#: Conversations of HTTP/1 with bodies of all kinds: directions, bytes.
WEB = (
    (
        (0, b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost:\r\n\r\n"),
        (1, b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a\r\n\r\nok"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (1, b"2\r\n\x1f\x8b\r\n0\r\n\r\n"),
    ),
    (
        (0, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        (0, b"GET /c HTTP/1.0\r\n\r\n"), (1, b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nto the end"),
    ),
)  # fmt: skip


def seed_of(name: str, place: int) -> bytes:
    """An example's turns: direction, place (and which client), data."""
    turns = examples()[name][0]
    wide = FRAMED.get(name, 0) if PLACES[place & 7][1] == 6 else 0
    return CUT.join(
        bytes((d, place)) + (len(said).to_bytes(wide, "big") if wide else b"") + said for d, said in turns
    )


def targets() -> dict[str, Target]:
    """One target: every place and reader at once, since flows of a batch share their memory."""
    import numpy as np

    from citywall.applicationsettings import ApplicationSettings
    from citywall.batches import PACKET, REASONS
    from ingest.applications import analysis
    from ingest.decode import kernels
    from tests.ingest.applications.compiled.conftest import PythonAlone, equal, read

    def frames(data: bytes, parts: int) -> list[bytes]:
        """Raw IPv4, one packet a part of a turn; TCP in order."""
        sent: dict[tuple[int, int], list[int]] = {}
        made = []
        for turn in data.split(CUT):
            if len(turn) < 3:
                continue
            back, which, said = turn[0] & 1, turn[1], turn[2:]
            port, carrier = PLACES[which & 7]
            place = (which >> 3, which & 7)
            ends = (b"\x0a\0\0\2\x0a\0\0\1", b"\x0a\0\0\1\x0a\0\0\2")[not back]
            ports = [(4000 + which).to_bytes(2, "big"), port.to_bytes(2, "big")]
            if back:
                ports.reverse()
            step = len(said) if carrier == 17 else -(-len(said) // parts)
            for at in range(0, len(said), step):
                piece = said[at : at + step]
                head = b"".join(ports)
                if carrier == 17:
                    head += (8 + len(piece)).to_bytes(2, "big") + bytes(2)
                else:
                    count = sent.setdefault(place, [1, 1])
                    head += count[back].to_bytes(4, "big") + count[1 - back].to_bytes(4, "big")
                    head += b"\x50\x18\x20\0" + bytes(4)
                    count[back] += len(piece)
                total = (20 + len(head) + len(piece)).to_bytes(2, "big")
                made.append(
                    b"\x45\0" + total + bytes(4) + b"\x40" + bytes((carrier, 0, 0)) + ends + head + piece
                )
        return made

    def decoded(packets: list[bytes]):
        raw = b"".join(
            n.to_bytes(4, "little") + bytes(4) + 2 * len(part).to_bytes(4, "little") + part
            for n, part in enumerate(packets)
        )
        buffer = np.frombuffer(raw, np.uint8)
        rows, reasons = np.empty(len(packets), PACKET), np.zeros(len(REASONS), np.int64)
        kernels.decode_pcap(buffer, 0, len(raw), np.uint64(0), False, 1, 101, rows, reasons)
        return rows, buffer

    given = ApplicationSettings(memory_mib=4, midstream=True, checksums=False, body_bytes=256)

    def run(data: bytes) -> None:
        for parts, size, growing in ((1, 0, False), (3, 5, True)):
            packets = frames(data, parts)
            if packets:
                rows, buffer = decoded(packets)
                ours = read(rows, buffer, size, growing=growing, settings=given)
                with mock.patch.object(analysis, "Reading", PythonAlone):
                    theirs = read(rows, buffer, size, growing=growing, settings=given)
                equal(ours, theirs)

    seeds = [
        seed_of("smb", 0), seed_of("dcerpc", 1), seed_of("dns", 2), seed_of("dns", 3), seed_of("snmp", 4),
        seed_of("tls", 7), seed_of("ssh", 7), seed_of("krb5", 7),
        CUT.join((seed_of("smb", 8), seed_of("dns", 3), seed_of("dcerpc", 9))),
        seed_of("http", 5), *(CUT.join(bytes((d, 5)) + said for d, said in turns) for turns in WEB),
    ]  # fmt: skip
    return {"compiled": Target(run, seeds)}
