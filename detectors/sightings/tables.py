"""The state of what applications say: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import DNS_ANSWER, EVENT, HTTP_RESPONSE, TEXT, TLS_CERTIFICATE
from citywall.rows import zeros
from detectors import keeping
from detectors.features.kernels import FAR_PAST
from detectors.features.tables import read_only, room_for, texts
from detectors.sightings import kernels, records
from detectors.sightings.kernels import Limits, Output, Tables

_NO_SUCH_NAME = 3
_RECORDS = (("subjects", "slots", 0, records.SUBJECT),)
_BESIDE = (
    ("counts", "subjects", records.COUNTERS, np.uint32),
    ("seen", "subjects", records.WORDS, np.uint64),
    ("text", "subjects", records.TEXT, np.uint8),
)

#: Which of many names look made: text (u1), where each begins and the last ends (i8[n + 1]); bool[n].
Judge = Callable[[NDArray[np.uint8], NDArray[np.int64]], NDArray[np.bool_]]
#: Which of many addresses are ours.
Home = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.bool_]]
#: Which EVENT rows have a portal as their source.
Fronts = Callable[[NDArray[np.void]], NDArray[np.bool_]]


class SightingParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.sightings]`: how much is remembered of what applications say."""

    subjects: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 22,
            extra={"unit": "entities"},
            description="Clients, with names, servers and accounts they deal with; about 500 bytes each.",
        ),
    ] = 1 << 16


@dataclass(frozen=True)
class Told:
    """Copies of records that changed in a way that may matter, each as of the row beside it.

    `rows` index the events of the call, in order. The next call overwrites them.
    """

    subjects: NDArray[Any]  # records.SUBJECT
    rows: NDArray[np.int64]
    counts: NDArray[np.uint32]  # [subjects, COUNTERS]
    seen: NDArray[np.uint64]  # [subjects, WORDS]
    text: NDArray[np.uint8]  # [subjects, TEXT]

    def distinct(self, which: int) -> NDArray[np.float64]:
        """How many different things are in one of the two sets (linear counting)."""
        empty = np.maximum(256.0 - self.bits(which), 0.5)
        return np.asarray(256.0 * np.log(256.0 / empty), np.float64)

    def bits(self, which: int) -> NDArray[np.int64]:
        """How many bits of one of the two sets are set."""
        bits = np.bitwise_count(self.seen[:, which * 4 : which * 4 + 4])
        return np.asarray(bits.sum(axis=1, dtype=np.int64))

    def words(self, i: int) -> str:
        """The text beside a record."""
        return self.text[i, : int(self.subjects["text_size"][i])].tobytes().decode("ascii", "replace")


class Subjects(keeping.OneKept):
    """State of a kernel over subjects: room for `n` of them, and for `copies` of what a row may change."""

    records, beside = _RECORDS, [each[:2] for each in _BESIDE]

    def __init__(self, n: int, copies: int) -> None:
        beside = {name: np.zeros((n, columns), kind) for name, _, columns, kind in _BESIDE}
        self.tables = Tables(
            subjects=zeros(n + 1, records.SUBJECT), slots=keeping.slots_for(n),
            meta=np.zeros(kernels.META, np.int64), **beside,
        )  # fmt: skip
        self.tables.meta[kernels.CLOCK] = FAR_PAST
        self._copies = copies
        self._output = _output(0)

    def _make_room(self, events: NDArray[np.void]) -> None:
        n = self._copies * room_for(len(events))
        self._output = _output(n) if len(self._output.rows) < n else self._output

    def _told(self) -> Told:
        out = self._output
        told = int(out.n[0])
        return Told(out.subjects[:told], out.rows[:told], out.counts[:told], out.seen[:told], out.text[:told])


class Sightings(Subjects):
    """State of the kernel."""

    def __init__(
        self,
        parameters: SightingParameters,
        limits: Limits,
        home: Home,
        judge: Judge | None = None,
        portals: Fronts | None = None,
    ) -> None:
        super().__init__(parameters.subjects, copies=2)
        self.limits = limits
        self._home, self._judge, self._portals = home, judge, portals

    def observe(self, events: NDArray[np.void]) -> Told:
        """Take in at most CHUNK EVENT rows of applications."""
        self._make_room(events)
        events = read_only(events, EVENT)
        raw = texts(events)
        odd, home = self._odd(events, raw), self._at_home(events)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe(events, raw, odd, home, self.tables, self.limits, self._output)
        return self._told()

    def _odd(self, events: NDArray[np.void], raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
        odd = np.zeros(len(events), np.uint8)
        asked = np.flatnonzero((events["kind"] == DNS_ANSWER) & (events["code"] == _NO_SUCH_NAME))
        if self._judge is not None and len(asked):
            sizes = events["name_size"][asked].astype(np.int64)
            text = raw[asked][np.arange(TEXT) < sizes[:, None]]
            odd[asked] = self._judge(text, np.concatenate(([0], np.cumsum(sizes))))
        return odd

    def _at_home(self, events: NDArray[np.void]) -> NDArray[np.uint8]:
        home = np.zeros(len(events), np.uint8)
        told = np.flatnonzero((events["kind"] == DNS_ANSWER) & (events["answers"] != 0))
        if len(told):
            home[told] = self._home(events["answer_hi"][told], events["answer_lo"][told])
        if self._portals is not None:
            of_server = np.flatnonzero(
                (events["kind"] == TLS_CERTIFICATE) | (events["kind"] == HTTP_RESPONSE)
            )
            if len(of_server):
                home[of_server] = self._portals(events[of_server])
        return home


def _output(n: int) -> Output:
    beside = {name: np.empty((n, columns), kind) for name, _, columns, kind in _BESIDE}
    return Output(np.empty(n, records.SUBJECT), np.empty(n, np.int64), n=np.zeros(1, np.int64), **beside)
