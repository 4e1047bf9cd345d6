"""Open-addressed tables of records through a checkpoint: what is in use of each, and its slots anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.state import Parts, array_of
from detectors.features.kernels import USED, rebuild

#: (records, slots, place in meta, dtype).
Records = Sequence[tuple[str, str, int, np.dtype[Any]]]
#: (name, of which records or pool), of every array that stands beside records.
Beside = Sequence[tuple[str, str]]
#: Rows that records take as they need them: name to the place in meta of how many are in use.
Pools = Mapping[str, int]


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
