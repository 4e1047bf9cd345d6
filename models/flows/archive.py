"""Flows of the archive as columns: the same that the stream had, to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from citywall.batches import PROTOCOL_NAMES
from citywall.errors import InputError

_NUMBERS = {name: number for number, name in PROTOCOL_NAMES.items()}
_ADDRESSES = ("src", "dst")
#: What hosts need beside what features read.
PLACES = (
    "src_hi",
    "src_lo",
    "dst_hi",
    "dst_lo",
    "domain",
    "src_port",
    "dst_port",
    "flow_id",
    "frame",
    "offset",
)
Flows = dict[str, NDArray[Any]]


def files(folder: Path) -> list[Path]:
    """The archive's files under a data folder (or a file itself), in order of name."""
    return [folder] if folder.is_file() else sorted((folder / "flows").rglob("*.parquet"))


def read(paths: Sequence[Path], names: Sequence[str]) -> Flows:
    """Columns of flows, in order of their last packet; raises InputError where there are none."""
    pieces = list(_pieces(paths, names))
    if not pieces or not sum(len(p[names[0]]) for p in pieces):
        place = str(paths[0]) if paths else "the archive"
        raise InputError(place, "holds no flows")
    whole = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
    order = np.lexsort((whole["flow_id"], whole["last"])) if {"flow_id", "last"} <= whole.keys() else None
    return whole if order is None else {name: column[order] for name, column in whole.items()}


def _pieces(paths: Sequence[Path], names: Sequence[str]) -> Iterator[Flows]:
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    wanted = [c for c in _columns(names) if c in file.schema_arrow.names]
                    yield of_table(file.read_row_group(group, columns=wanted), names)
        except (OSError, pa.ArrowException, KeyError) as e:
            raise InputError(str(path), f"is no file of flows: {e}") from None


def _columns(names: Sequence[str]) -> list[str]:
    wide = {f"{side}_{half}": f"{side}_address" for side in _ADDRESSES for half in ("hi", "lo")}
    return list(dict.fromkeys(wide.get(name, name) for name in names))


def of_table(table: pa.Table, names: Sequence[str]) -> Flows:
    """Columns of an archive table as FLOW has them: times in ns, protocols as numbers, addresses as words."""
    found: Flows = {}
    for name in names:
        side = name[:3]
        if name in ("first", "last"):
            found[name] = table[name].cast(pa.int64()).to_numpy()
        elif name == "proto":
            words = table[name].combine_chunks().cast(pa.string()).to_pylist()
            numbers: Mapping[str, int] = {w: _NUMBERS.get(w) or int(w) for w in set(words)}
            found[name] = np.array([numbers[w] for w in words], np.uint8)
        elif side in _ADDRESSES and name[3:] in ("_hi", "_lo"):
            raw = b"".join(table[f"{side}_address"].to_pylist())
            halves = np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)
            found[name] = halves[:, 0 if name.endswith("_hi") else 1]
        else:
            found[name] = table[name].to_numpy()
    return found
