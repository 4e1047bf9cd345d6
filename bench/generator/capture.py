"""Captures of stationary traffic, written chunk by chunk: memory does not grow with the packets asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.generator import kernels

#: One live flow of the generator.
SLOT = np.dtype(
    [
        ("flow", "i8"), ("sent", "i8"), ("total", "i8"),
        ("client_seq", "u4"), ("server_seq", "u4"), ("client", "u4"), ("server", "u4"),
        ("client_port", "u2"), ("server_port", "u2"), ("vlan", "u2"),
        ("proto", "u1"), ("version", "u1"), ("extension", "u1"),
    ],
    align=True,
)  # fmt: skip

#: pcap, little endian, microseconds, Ethernet.
FILE_HEADER = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 ffff0000 01000000")
BASE_SECONDS = 1_700_000_000
CHUNK_PACKETS = 16_384

#: Frame bytes and their share of 64: about 420 B a packet with the handshakes between.
SIZES = ((64, 22), (90, 7), (128, 5), (300, 6), (576, 8), (1200, 5), (1500, 11))
TCP_PORTS = (443, 443, 443, 80, 443, 80, 8080, 443, 25, 443, 22, 445, 3306, 993, 3389, 5222)
UDP_PORTS = (53, 53, 443, 53, 123, 5060, 161, 514)
TEXT = (
    b"GET /portal/service/apply?item=1029 HTTP/1.1\r\nHost: service.example.gov\r\nUser-Agent: Mozilla/5.0 "
    b"(X11; Linux x86_64) Gecko/20100101 Firefox/128.0\r\nAccept: text/html,application/xhtml+xml;q=0.9\r\n"
    b"Cookie: session=0123456789abcdef; path=/\r\n\r\n<html><head><title>Service hall</title></head><body><p>"
    b"Applications are answered within five working days.</p></body></html>\r\n"
)


@dataclass(frozen=True)
class Profile:
    """What the traffic is like.

    `concurrent` flows are alive at any moment, each replaced when it ends. `packets_per_second` sets how much
    event time passes. One packet in `sweep` (a power of two) visits the flows in turn, so that none falls
    idle; the others favour few flows (Zipf). `fixed_length` gives every flow that many packets, 0 draws them
    from a Pareto distribution. Flows come from `clients` hosts in turn. A visit is `burst` packets in a row,
    question and answer where more than one. `bare` drops payloads.
    """

    concurrent: int = 10_000
    packets_per_second: int = 5_000
    sweep: int = 4
    fixed_length: int = 0
    clients: int = 4_000
    burst: int = 1
    bare: bool = False


#: What decode, meter and end-to-end read.
EXTRANET = Profile()
#: One million flows alive at once within half a minute, in as few bytes as can be.
MILLION = Profile(
    concurrent=1_000_000, packets_per_second=80_000, sweep=1, fixed_length=1_000,
    clients=200_000, burst=2, bare=True,
)  # fmt: skip


@dataclass(frozen=True)
class CaptureFacts:
    """What a written capture holds."""

    packets: int
    flows: int
    ipv6_packets: int
    payload_bytes: int
    bytes: int
    concurrent: int
    seconds: float
    seed: int

    def as_dict(self) -> dict[str, float]:
        """The facts by name."""
        return asdict(self)


_fill: Callable[..., int] = kernels.fill


@dataclass(frozen=True)
class _Tables:
    weights: NDArray[np.uint32]
    lengths: NDArray[np.uint32]
    sizes: NDArray[np.uint16]
    servers: NDArray[np.uint32]
    text: NDArray[np.uint8]
    noise: NDArray[np.uint8]


def write_capture(
    path: Path, packets: int, profile: Profile = EXTRANET, seed: int = 1, chunk: int = CHUNK_PACKETS
) -> CaptureFacts:
    """Write `packets` packets to `path`; what stands there appears whole or not at all.

    Raises ValueError for a profile that cannot be written, OSError where the disk refuses.
    """
    _check(packets, profile)
    tables = _tables(profile, seed)
    ports = np.array(TCP_PORTS, np.uint16), np.array(UDP_PORTS, np.uint16)
    slots = np.zeros(profile.concurrent, SLOT)
    serials = np.zeros(3, np.int64)
    buffer = np.empty(min(chunk, max(packets, 1)) * kernels.ROOM, np.uint8)
    period = 1_000_000 // profile.packets_per_second
    start = BASE_SECONDS * 1_000_000
    size = len(FILE_HEADER)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as out:
            out.write(FILE_HEADER)
            for first in range(0, packets, chunk):
                written = _fill(
                    buffer, first, min(chunk, packets - first), np.uint64(seed), start, period,
                    slots, serials, profile.clients, tables.weights, profile.sweep - 1, profile.burst,
                    tables.lengths, profile.fixed_length,
                    tables.sizes, tables.servers, *ports, tables.text, tables.noise,
                )  # fmt: skip
                out.write(buffer[:written].data)
                size += written
            # Else the disk would still be writing while the first benchmark reads.
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    flows, ipv6, payload = (int(n) for n in serials)
    return CaptureFacts(packets, flows, ipv6, payload, size, profile.concurrent, packets * period / 1e6, seed)


def estimated_bytes(packets: int, profile: Profile = EXTRANET) -> int:
    """An upper estimate of a capture's size on disk."""
    return len(FILE_HEADER) + packets * (110 if profile.bare else 470)


def _check(packets: int, profile: Profile) -> None:
    if packets < 0:
        raise ValueError("a capture cannot have fewer than no packets")
    if profile.sweep & (profile.sweep - 1) or profile.sweep < 1:
        raise ValueError("sweep must be a power of two")
    if not 1 <= profile.packets_per_second <= 1_000_000:
        raise ValueError("packets_per_second must lie between 1 and 1,000,000")
    if profile.concurrent < 1 or profile.burst < 1:
        raise ValueError("at least one flow must be alive and visited")
    if not 1 <= profile.clients <= 1_000_000:
        raise ValueError("clients must lie between 1 and 1,000,000")


def _tables(profile: Profile, seed: int) -> _Tables:
    rng = np.random.default_rng(seed)
    quantiles = (np.arange(4096) + 0.5) / 4096
    lengths = np.minimum(np.ceil(4.0 * quantiles ** (-1 / 1.2)), 20_000)
    sizes = np.repeat([64 if profile.bare else size for size, _ in SIZES], [share for _, share in SIZES])
    text = np.frombuffer(TEXT * (1 + 65_536 // len(TEXT)), np.uint8)
    return _Tables(
        weights=_zipf(profile.concurrent, 0.9),
        lengths=lengths.astype(np.uint32),
        sizes=sizes.astype(np.uint16),
        servers=_zipf(kernels.SERVERS, 0.8),
        text=text,
        noise=rng.integers(0, 256, 1 << 20, dtype=np.uint8),
    )


def _zipf(count: int, exponent: float) -> NDArray[np.uint32]:
    """65,536 quantiles of a Zipf distribution over `count` ranks."""
    steps = np.cumsum(np.arange(1, count + 1, dtype=np.float64) ** -exponent)
    at = (np.arange(65_536) + 0.5) / 65_536 * steps[-1]
    found: NDArray[np.uint32] = np.searchsorted(steps, at).astype(np.uint32)
    return found
