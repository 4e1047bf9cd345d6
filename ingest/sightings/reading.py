"""Packets in, EVENT rows of what applications say out. Nothing is remembered from packet to packet."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, PACKET, TCP, TLS_CERTIFICATE, TRANSPORT
from citywall.domains import Domains, DomainSettings
from ingest.flowlogs.rows import domains_of
from ingest.sightings import kernels
from ingest.sightings.patterns import BUILT

_TEXT_AT = EVENT.fields["text"][1] if EVENT.fields else 0


def sightings(
    buffer: NDArray[np.uint8], packets: NDArray[np.void], first_frame: int, domains: Domains
) -> NDArray[np.void]:
    """What applications say in `packets` (PACKET[n], decoded from `buffer`): EVENT rows, in file order.

    Row i of `packets` is frame `first_frame + i`; times are the packets' own. Only what stands whole at the
    beginning of a packet's payload is read: which packets came before, or come in the same call, changes
    nothing.
    """
    buffer = buffer.view()
    buffer.flags.writeable = False
    found = np.empty(len(packets), np.int64)
    what = np.empty(len(packets), np.uint8)
    n, room = kernels.find(buffer, packets, found, what)
    if n == 0:
        return np.zeros(0, EVENT)
    events = np.zeros(room + 1, EVENT)
    raw = events.view(np.uint8).reshape(room + 1, EVENT.itemsize)[:, _TEXT_AT:]
    scratch = np.empty(kernels.SCRATCH, np.uint8)
    with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
        written = kernels.read(buffer, packets, found[:n], what[:n], first_frame, BUILT, scratch, events, raw)
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


def compile_reading() -> int:
    """Have the kernels compiled; gives the events that one request makes."""
    payload = np.frombuffer(b"GET / HTTP/1.1\r\n\r\n", np.uint8)
    packet = np.zeros(1, PACKET)
    packet["status"], packet["proto"] = TRANSPORT, TCP
    packet["captured"] = packet["payload"] = len(payload)
    return len(sightings(payload, packet, 1, Domains(DomainSettings())))
