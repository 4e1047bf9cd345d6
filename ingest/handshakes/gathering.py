"""Packets in, EVENT rows of handshakes that took several packets out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    EVENT,
    PACKET,
    SELF_SIGNED,
    SM_SUITES,
    TLS_CLIENT,
    TLS_WHOLE_CERTIFICATE,
    TLS_WHOLE_CLIENT,
)
from citywall.domains import Domains
from citywall.rows import take
from citywall.state import Parts, array_of
from ingest.flowlogs.rows import domains_of
from ingest.handshakes import kernels
from ingest.handshakes.chains import Shown, certificates, shown
from ingest.handshakes.layout import DONE, ENTRY, META_AT, NEAR, ROOM, TOLD, Table, new_table
from ingest.sightings.kernels import TLS
from ingest.sightings.reading import Found, sightings

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
#: Shares of an event's text: subject, issuer.
_SUBJECT, _ISSUER = 70, 68


def compile_gathering() -> int:
    """Have the kernel compiled; gives the packets of its table that are looked at."""
    nothing = np.zeros(0, np.uint8)
    nothing.flags.writeable = False
    none, done = np.zeros(0, PACKET), np.empty((0, DONE), np.int64)
    found = np.zeros(0, np.int64), np.zeros(0, np.uint8)
    return int(kernels.gather(nothing, none, *found, *new_table(), done, np.zeros(0, np.uint8))[0])


class Handshakes:
    """The handshakes of one source of packets. Results do not depend on how packets are cut into batches."""

    def __init__(self) -> None:
        self._table: Table | None = None  # made for the first one

    @property
    def counts(self) -> dict[str, int]:
        """What could not be put together so far, by name."""
        if self._table is None:
            return {}
        return {name: n for name in TOLD if (n := int(self._table.meta[META_AT[name]]))}

    def add(self, buffer: Bytes, packets: Rows, first_frame: int, found: Found, domains: Domains) -> Rows:
        """Take packets (PACKET[n]), with what `look` found in them; events of what they finish, in order.

        Row i of `packets` is frame `first_frame + i`. An event's frame is that of the packet that finished
        it.
        """
        table = self._table
        if (table is None or not table.meta[META_AT["live"]]) and not (found.what == TLS).any():
            return np.zeros(0, EVENT)
        table = self._table = table or new_table()
        buffer = buffer.view()
        buffer.flags.writeable = False
        done = np.empty((len(packets), DONE), np.int64)
        room = int(table.entries["size"][table.entries["used"] == 1].sum()) + int(packets["captured"].sum())
        arena = np.empty(room, np.uint8)
        n, used = kernels.gather(buffer, packets, found.rows, found.what, *table, done, arena)
        return self._events(packets, first_frame, done[:n], arena[:used], domains)

    def _events(
        self, packets: Rows, frame: int, done: NDArray[np.int64], arena: Bytes, domains: Domains
    ) -> Rows:
        events = np.zeros(2 * len(done), EVENT)
        n = 0
        clients = done[done[:, 1] == 1]
        hellos = iter(_hellos(packets, clients, arena, domains))
        for i, client, at, size in done.tolist():
            if client:
                if (hello := next(hellos)) is not None:
                    events[n] = hello
                    events[n]["frame"], events[n]["offset"] = frame + i, packets["offset"][i]
                    n += 1
                continue
            version, chain = certificates(arena[at : at + size].tobytes())
            for place, data in enumerate(chain):
                _tell(events[n], shown(data), packets[i], frame + i)
                events[n]["code"], events[n]["count"], events[n]["size"] = version, place, len(data)
                n += 1
        events = events[:n]
        events["domain"] = domains_of(events["vlan"], domains)
        return events

    def snapshot(self) -> Parts:
        """The entries, and their bytes."""
        table = self._table
        if table is None:
            return {}
        which = np.flatnonzero(table.entries["used"])
        sizes = table.entries["size"][which]
        pieces = [table.held[k * ROOM : k * ROOM + size] for k, size in zip(which, sizes, strict=True)]
        held = np.concatenate(pieces) if pieces else np.zeros(0, np.uint8)
        return {
            "which": which.astype(np.int64), "entries": take(table.entries, which), "held": held,
            "meta": table.meta.copy(),
        }  # fmt: skip

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        if not parts:
            return
        table = self._table = new_table()
        which = array_of(parts, "which", np.dtype(np.int64))
        entries, held = array_of(parts, "entries", ENTRY), array_of(parts, "held", np.dtype(np.uint8))
        table.entries[which] = entries
        table.meta[:] = array_of(parts, "meta", np.dtype(np.int64))
        at = 0
        for k, size in zip(which.tolist(), entries["size"].tolist(), strict=True):
            table.held[k * ROOM : k * ROOM + size] = held[at : at + size]
            at += size
        np.add.at(table.near, (entries["hash"] & np.uint64(NEAR - 1)).astype(np.int64), 1)


def _hellos(packets: Rows, clients: NDArray[np.int64], arena: Bytes, domains: Domains) -> list[Rows | None]:
    """Each client's hello, read as though it had come in one packet; None where it is none."""
    if not len(clients):
        return []
    whole = take(packets, clients[:, 0])
    whole["offset"], whole["payload_at"] = clients[:, 2], 0
    whole["captured"] = whole["payload"] = clients[:, 3]
    found = sightings(arena, whole, 0, domains)
    found["kind"][found["kind"] == TLS_CLIENT] = TLS_WHOLE_CLIENT
    told: list[Rows | None] = [None] * len(clients)
    for event in found:
        if event["kind"] == TLS_WHOLE_CLIENT:
            told[int(event["frame"])] = event
    return told


def _tell(event: Rows, told: Shown, packet: Rows, frame: int) -> None:
    """A certificate, shown by who sent `packet`."""
    src, dst = ("b", "a") if packet["reversed"] else ("a", "b")
    ports = {"a": int(packet["ports"]) >> 16, "b": int(packet["ports"]) & 0xFFFF}
    for end, side in (("src", src), ("dst", dst)):
        event[f"{end}_hi"], event[f"{end}_lo"] = packet[f"{side}_hi"], packet[f"{side}_lo"]
        event[f"{end}_port"] = ports[side]
    event["kind"], event["time"], event["frame"] = TLS_WHOLE_CERTIFICATE, packet["time"], frame
    event["offset"], event["vlan"], event["proto"] = packet["offset"], packet["vlan"], packet["proto"]
    event["number"], event["answers"] = min(told.not_after, 0xFFFFFFFF), max(told.not_before, 0)
    event["flags"] = told.self_signed * SELF_SIGNED | told.sm * SM_SUITES
    subject, issuer = told.subject[:_SUBJECT], told.issuer[:_ISSUER]
    text = np.frombuffer(f"{subject}{issuer}{told.sha256}{told.sha1}".encode("ascii"), np.uint8)
    event["name_size"], event["rest_size"] = len(subject), len(issuer)
    event["agent_size"] = len(told.sha256) + len(told.sha1)
    event["text"][: len(text)] = text
