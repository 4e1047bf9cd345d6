"""Open-addressed tables of records through a checkpoint: what is in use of each, and its slots anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from citywall.state import Parts, array_of
from detectors.features.kernels import EVICTED, USED, rebuild

#: (records, slots, place in meta, dtype).
Records = Sequence[tuple[str, str, int, np.dtype[Any]]]
#: (name, of which records or pool), of every array that stands beside records.
Beside = Sequence[tuple[str, str]]
#: Rows that records take as they need them: name to the place in meta of how many are in use.
Pools = Mapping[str, int]


class Kept:
    """State of a kernel in `tables` (a tuple of arrays by name) that goes through a checkpoint."""

    records: ClassVar[Records]
    beside: ClassVar[Beside]
    pools: ClassVar[Pools] = {}
    tables: Any

    @property
    def nbytes(self) -> int:
        """Bytes reserved (committed only as tables fill)."""
        return sum(array.nbytes for array in self.tables)

    def snapshot(self) -> Parts:
        """The used part of every table; views of live state."""
        return snapshot(self.tables._asdict(), self.records, self.beside, self.pools)

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it does not fit the settings."""
        restore(self.tables._asdict(), parts, self.records, self.beside, self.pools)

    def _of_each(self, what: int) -> dict[str, int]:
        return {name: int(self.tables.meta[at + what]) for name, _, at, _ in self.records}


class OneKept(Kept):
    """State with one table of records."""

    @property
    def used(self) -> int:
        """Records in use."""
        return sum(self._of_each(USED).values())

    @property
    def evicted(self) -> int:
        """Records given up for newer ones."""
        return sum(self._of_each(EVICTED).values())


class ManyKept(Kept):
    """State with several tables of records."""

    @property
    def used(self) -> dict[str, int]:
        """Records in use, by table."""
        return self._of_each(USED)

    @property
    def evicted(self) -> dict[str, int]:
        """Records given up for newer ones, by table."""
        return self._of_each(EVICTED)


def slots_for(capacity: int) -> NDArray[np.uint64]:
    """Empty slots: a power of two at least twice `capacity`, so that probes stay short."""
    return np.zeros(1 << max(4, (2 * capacity - 1).bit_length()), np.uint64)


def snapshot(
    tables: Mapping[str, NDArray[Any]], records: Records, beside: Beside, pools: Pools | None = None
) -> Parts:
    """The used part of every table; views of live state."""
    used = {name: int(tables["meta"][at + USED]) for name, _, at, _ in records}
    parts: Parts = {name: tables[name][: used[name]] for name in used}
    used |= {name: int(tables["meta"][at]) for name, at in (pools or {}).items()}
    parts |= {name: tables[name][: used[of]] for name, of in beside}
    return parts | {"meta": tables["meta"]}


def restore(
    tables: Mapping[str, NDArray[Any]],
    parts: Parts,
    records: Records,
    beside: Beside,
    pools: Pools | None = None,
) -> None:
    """Take over a snapshot into `tables`; raises ValueError where it does not fit the settings."""
    meta = array_of(parts, "meta", np.dtype(np.int64))
    if meta.shape != tables["meta"].shape:
        raise ValueError("checkpoint part 'meta' has another size")
    used: dict[str, int] = {}
    for name, slots, at, dtype in records:
        kept = array_of(parts, name, dtype)
        used[name], before = int(meta[at + USED]), int(tables["meta"][at + USED])
        if len(kept) != used[name] or used[name] >= len(tables[name]):
            raise ValueError(f"checkpoint part {name!r} does not fit the table")
        tables[name][used[name] : before] = np.zeros((), dtype)
        tables[name][: used[name]] = kept
        tables[slots][:] = 0
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            rebuild(tables[slots], tables[name], used[name])
    tables["meta"][:] = meta
    used |= {name: int(meta[at]) for name, at in (pools or {}).items()}
    for name, of in beside:
        held, room = array_of(parts, name, tables[name].dtype), tables[name][: used[of]]
        if held.shape != room.shape:
            raise ValueError(f"checkpoint part {name!r} does not fit the table")
        room[:] = held
