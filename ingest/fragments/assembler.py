"""Packet rows in, packet rows out: fragments counted to their flows, and whole datagrams to be read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, FRAGMENTED, PACKET, REBUILT
from citywall.domains import Domains, DomainSettings
from citywall.fragmentsettings import FragmentSettings
from citywall.rows import copy
from citywall.state import Parts, array_of
from citywall.watermarks import BEGINNING
from ingest.fragments import kernels
from ingest.fragments.layout import COUNTED, DATAGRAM, META_AT, PAGE, PIECE, POLICIES, Store, new_store

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
_SECOND = 1_000_000_000
_NONE = np.zeros(0, np.int64)


class Assembled(NamedTuple):
    """What became of a batch of packets.

    `rows` (PACKET) are to be counted to flows; `frames` are their frames, empty where they simply count on.
    `whole` (PACKET, one for each packet) are to be read: a row marked REBUILT is the datagram that its packet
    completed, its offset one in `tail`; other fragments say FRAGMENT and have no payload. `events` are EVENT
    rows, told at the packets that `told_at` counts.
    """

    rows: Rows
    frames: NDArray[np.int64]
    whole: Rows
    tail: Bytes
    events: Rows
    told_at: NDArray[np.int64] = _NONE

    def readable(self, buffer: Bytes) -> tuple[Rows, Bytes]:
        """`whole`, and the bytes that its offsets are in: `buffer` where nothing was put together."""
        if not len(self.tail):
            return self.whole, buffer
        rows = copy(self.whole)
        rebuilt = (rows["marks"] & REBUILT) != 0
        others = rows["offset"][~rebuilt]
        low = int(others.min()) if len(others) else 0
        high = int((others + rows["captured"][~rebuilt]).max()) if len(others) else 0
        rows["offset"] += np.where(rebuilt, high - low, -low)
        return rows, np.concatenate([buffer[low:high], self.tail])


class Assembler:
    """The fragments of one source of packets. Results do not depend on how packets are cut into batches."""

    def __init__(self, settings: FragmentSettings, domains: Domains | None = None) -> None:
        self._policy = POLICIES.index(settings.policy)
        self._timeout = settings.timeout_s * _SECOND
        self._memory = settings.memory_mib << 20
        self._domains = domains or Domains(DomainSettings())
        self._store: Store | None = None  # made for the first fragment

    @property
    def counts(self) -> dict[str, int]:
        """What was met so far, by name."""
        meta = self._store.meta if self._store else np.zeros(len(META_AT), np.int64)
        return {name: int(meta[META_AT[name]]) for name in COUNTED if meta[META_AT[name]]}

    @property
    def held(self) -> int:
        """Fragments that wait for others."""
        return int(self._store.meta[META_AT["held"]]) if self._store else 0

    @property
    def memory(self) -> int:
        """Bytes reserved at most, however many fragments come."""
        store = self._store or new_store(self._memory)
        return sum(int(array.nbytes) for array in store)

    def add(self, packets: Rows, first_frame: int, buffer: Bytes, clock: int = BEGINNING) -> Assembled:
        """Take decoded packets (PACKET[n]); row i is frame `first_frame + i`, its bytes are in `buffer`.

        Events are as of the event clock, which stood at `clock` before them.
        """
        if not packets["marks"].any() and not self._due(packets):
            return Assembled(packets, _NONE, packets, _read_only(np.zeros(0, np.uint8)), np.zeros(0, EVENT))
        store = self._store = self._store or new_store(self._memory)
        meta = store.meta
        fragments = packets["captured"][(packets["marks"] & FRAGMENTED) != 0]
        some = len(packets) + len(fragments) + int(meta[META_AT["held"]])  # they may come again
        rows, frames = np.empty(some, PACKET), np.empty(some, np.int64)
        size = int(meta[META_AT["pages_held"]]) * PAGE + int(fragments.sum())
        tail = np.empty(size, np.uint8)
        events = np.zeros(4 * len(fragments) + int(meta[META_AT["live"]]), EVENT)
        told_at = np.empty(len(events), np.int64)
        whole = copy(packets)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            told, filled, odd = kernels.assemble(
                _read_only(buffer), packets, first_frame, clock, self._policy, self._timeout, *store,
                rows, frames, whole, tail, events, told_at,
            )  # fmt: skip
        tail = _read_only(tail[:filled])
        return Assembled(rows[:told], frames[:told], whole, tail, self._placed(events[:odd]), told_at[:odd])

    def end(self, time: int) -> Assembled:
        """The input is over at `time`: what is left of datagrams counts as it is."""
        held = self.held
        rows, frames = np.empty(held, PACKET), np.empty(held, np.int64)
        none = np.zeros(0, PACKET)
        if self._store is None:
            return Assembled(rows, frames, none, np.zeros(0, np.uint8), np.zeros(0, EVENT))
        store = self._store
        events = np.zeros(int(store.meta[META_AT["live"]]), EVENT)
        with np.errstate(over="ignore"):
            told, odd = kernels.abandon_all(
                time, store.datagrams, store.pieces, store.waiting, store.following, store.slots, store.meta,
                rows, frames, events,
            )  # fmt: skip
        return Assembled(rows[:told], frames[:told], none, np.zeros(0, np.uint8), self._placed(events[:odd]))

    def _due(self, packets: Rows) -> bool:
        """Whether a datagram is given up at one of these packets."""
        if self._store is None or not len(packets):
            return False
        oldest = int(self._store.meta[META_AT["oldest"]])
        if oldest < 0:
            return False
        return int(packets["time"].max()) - int(self._store.datagrams["begun"][oldest]) > self._timeout

    def _placed(self, events: Rows) -> Rows:
        for i, vlan in enumerate(events["vlan"].tolist()):
            events["domain"][i] = self._domains.of_vlan(vlan)
        return events

    def snapshot(self) -> Parts:
        """The state between two batches, as views of what is in use."""
        if self._store is None:
            return {}
        store, used = self._store, self._used(self._store.meta)
        return {
            name: array[: used.get(name, len(array))]
            for name, array in store._asdict().items()
            if name != "owner"
        }

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot made with the same settings; raises ValueError where it does not fit."""
        self._store = None
        if not parts:
            return
        store = new_store(self._memory)
        meta = array_of(parts, "meta", np.dtype(np.int64))
        if meta.shape != store.meta.shape:
            raise ValueError("the checkpoint's fragments have another form")
        used = self._used(meta)
        kinds = {"datagrams": DATAGRAM, "pieces": PIECE, "waiting": PACKET, "pages": np.dtype(np.uint8)}
        for name, array in store._asdict().items():
            if name == "owner":
                continue
            source = array_of(parts, name, kinds.get(name, array.dtype))
            if len(source) != used.get(name, len(array)) or len(source) > len(array):
                raise ValueError(f"checkpoint part {name!r} of fragments does not fit the settings")
            array[: len(source)] = source
        self._store = store

    @staticmethod
    def _used(meta: NDArray[np.int64]) -> dict[str, int]:
        pages, pieces = int(meta[META_AT["pages"]]), int(meta[META_AT["pieces"]])
        return {
            "datagrams": int(meta[META_AT["datagrams"]]), "pieces": pieces, "waiting": pieces,
            "pages": pages * PAGE, "following": pages,
        }  # fmt: skip


def compile_fragments() -> None:
    """Compile the kernels, where that has to be: captures without fragments never run them."""
    fragment = np.zeros(1, PACKET)
    fragment["marks"] = FRAGMENTED
    assembler = Assembler(FragmentSettings(memory_mib=1))
    assembler.add(fragment, 1, np.zeros(64, np.uint8))
    assembler.end(0)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
