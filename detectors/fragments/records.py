"""The fragment kernel's state: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT
from citywall.state import Parts, array_of
from detectors.features.tables import read_only
from detectors.fragments import kernels
from detectors.fragments.kernels import RECORD, SLOTS

_META = 3


@dataclass(frozen=True)
class Fragmented:
    """Copies of records, each as of the event beside it; `rows` index the events of the call."""

    records: NDArray[np.void]  # RECORD
    rows: NDArray[np.int64]


class FragmentRecords:
    """What hostile fragments come to each host, within windows of `window` ns."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._records: NDArray[np.void] = np.zeros(SLOTS, RECORD)
        self._meta = np.zeros(_META, np.int64)
        self._meta[kernels.CLOCK] = -kernels.FAR

    @property
    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._records.nbytes

    @property
    def counts(self) -> dict[str, int]:
        """Hosts held and given up."""
        held, evicted = (int(self._meta[at]) for at in (kernels.USED, kernels.EVICTED))
        return {name: n for name, n in (("fragmented_held", held), ("fragmented_evicted", evicted)) if n}

    def observe_events(self, events: NDArray[np.void]) -> Fragmented:
        """Take in EVENT rows."""
        out, rows = np.empty(len(events), RECORD), np.empty(len(events), np.int64)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            n = kernels.observe_events(
                read_only(events, EVENT), self._records, self._meta, self._window, out, rows
            )
        return Fragmented(out[:n], rows[:n])

    def snapshot(self) -> Parts:
        """The state, as views."""
        return {"records": self._records, "meta": self._meta}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it does not fit."""
        records, meta = array_of(parts, "records", RECORD), array_of(parts, "meta", np.dtype(np.int64))
        if records.shape != self._records.shape or meta.shape != self._meta.shape:
            raise ValueError("the checkpoint's records of fragments have another size")
        self._records[:], self._meta[:] = records, meta
