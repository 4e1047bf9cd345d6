"""Packets in, EVENT rows of what applications say out. Nothing is remembered from packet to packet."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, PACKET, TCP, TLS_CERTIFICATE, TLS_CLIENT, TLS_SERVER, TRANSPORT
from citywall.domains import Domains, DomainSettings
from ingest.flowlogs.rows import domains_of
from ingest.sightings import kernels
from ingest.sightings.hellos import kernels as hellos
from ingest.sightings.patterns import BUILT

#: A client's hello with nothing in it.
_HELLO = bytes.fromhex("160301002d 01000029 0303") + bytes(33) + bytes.fromhex("00021301 0100")


class Found(NamedTuple):
    """Rows of packets in which an application may say something, what it may be, and most events of them."""

    rows: NDArray[np.int64]
    what: NDArray[np.uint8]
    room: int


def look(buffer: NDArray[np.uint8], packets: NDArray[np.void]) -> Found:
    """Look at ports and first bytes of `packets` (PACKET[n], decoded from `buffer`)."""
    buffer = buffer.view()
    buffer.flags.writeable = False
    found = np.empty(len(packets), np.int64)
    what = np.empty(len(packets), np.uint8)
    n, room = kernels.find(buffer, packets, found, what)
    return Found(found[:n], what[:n], int(room))


def sightings(
    buffer: NDArray[np.uint8], packets: NDArray[np.void], first_frame: int, domains: Domains,
    looked: Found | None = None,
) -> NDArray[np.void]:  # fmt: skip
    """What applications say in `packets` (PACKET[n], decoded from `buffer`): EVENT rows, in file order.

    `looked` is what `look` gave. Row i of `packets` is frame `first_frame + i`; times are the packets' own.
    Only what stands whole at the beginning of a packet's payload is read: which packets came before, or come
    in the same call, changes nothing.
    """
    found, what, room = looked or look(buffer, packets)
    if not len(found):
        return np.zeros(0, EVENT)
    buffer = buffer.view()
    buffer.flags.writeable = False
    events = np.zeros(room + 1, EVENT)
    raw = events["text"]
    scratch = np.empty(kernels.SCRATCH, np.uint8)
    with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
        written = kernels.read(buffer, packets, found, what, first_frame, BUILT, scratch, events, raw)
        _fingerprint(buffer, packets, first_frame, events[:written], raw)
    events = events[:written]
    events["domain"] = domains_of(events["vlan"], domains)
    pin(buffer, events)
    return events


def pin(buffer: NDArray[np.uint8], events: NDArray[np.void]) -> None:
    """Put the first eight bytes of the SHA-256 of keys into `answer_hi` where certificates were seen.

    Each key is hashed once, however many handshakes showed it.
    """
    seen = np.flatnonzero(events["kind"] == TLS_CERTIFICATE)
    if not len(seen):
        return
    keys, first, which = np.unique(events["digest"][seen], return_index=True, return_inverse=True)
    pins = np.empty(len(keys), np.uint64)
    for i, at in enumerate(seen[first].tolist()):
        start = int(events["answer_lo"][at])
        key = buffer[start : start + int(events["size"][at])].tobytes()
        pins[i] = int.from_bytes(hashlib.sha256(key).digest()[:8], "big")
    events["answer_hi"][seen], events["answer_lo"][seen] = pins[which], 0


def _fingerprint(
    buffer: NDArray[np.uint8], packets: NDArray[np.void], first_frame: int,
    events: NDArray[np.void], raw: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Fingerprints of the hellos among events: there are few."""
    kinds = events["kind"]
    rows = np.flatnonzero((kinds == TLS_CLIENT) | (kinds == TLS_SERVER))
    if not len(rows):
        return
    said = packets[events["frame"][rows] - first_frame]
    at = said["payload_at"].astype(np.int64)
    starts = said["offset"] + at
    ends = starts + np.minimum(said["payload"], said["captured"] - at)
    hellos.fingerprints(buffer, starts, ends, rows, scratch(), events, raw)


def scratch() -> tuple[NDArray[Any], ...]:
    """What the kernel of fingerprints writes to: spans, marks, values, text, words, digest."""
    return (
        np.empty((7, 2), np.int64), np.empty(4, np.int64), np.empty(hellos.MOST, np.int64),
        np.empty(hellos.SCRATCH, np.uint8), np.empty(64, np.int64), np.empty(8, np.int64),
    )  # fmt: skip


def compile_reading() -> int:
    """Have the kernels compiled; gives the events of a request and a hello."""
    payload = b"GET / HTTP/1.1\r\n\r\n" + _HELLO
    packets = np.zeros(2, PACKET)
    packets["status"], packets["proto"] = TRANSPORT, TCP
    packets["offset"] = 0, len(payload) - len(_HELLO)
    packets["captured"] = packets["payload"] = len(payload) - len(_HELLO), len(_HELLO)
    return len(sightings(np.frombuffer(payload, np.uint8), packets, 1, Domains(DomainSettings())))
