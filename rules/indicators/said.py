"""What the application layers of a capture say, beside indicators: fingerprints and files by their hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rules.indicators.model import JA3, JA3S, JA4, MD5, SHA1, SHA256
from rules.indicators.tables import Table

#: Buffers that show values, and the kind of these.
BUFFERS = {"ja3.hash": JA3, "ja3s.hash": JA3S, "ja4.hash": JA4, "file.md5": MD5, "file.sha1": SHA1,
           "file.sha256": SHA256}  # fmt: skip
_LENGTHS = {JA3: 32, JA3S: 32, JA4: 36, MD5: 32, SHA1: 40, SHA256: 64}


class Spoken(Protocol):
    """Tables of application layers (`ingest.applications.tables`)."""

    flows: NDArray[np.void]
    transactions: NDArray[np.void]
    buffers: NDArray[np.void]
    arena: NDArray[np.uint8]


class Shown(NamedTuple):
    """A value that a transaction shows."""

    kind: str
    value: str
    flow: int  # row of its flow
    frame: int
    direction: int


class Sayings:
    """Looks through a capture's tables, piece by piece; what is told again of a flow is not said again."""

    def __init__(self, table: Table, kinds: Sequence[str]) -> None:
        self._kinds = kinds
        self._wanted = [
            (kinds.index(name), kind, table.texts(kind))
            for name, kind in BUFFERS.items()
            if table.knows(kind)
        ]
        self._said: dict[int, set[tuple[int, ...]]] = {}  # by number of a flow that goes on

    @property
    def buffers(self) -> frozenset[str]:
        """Names of the buffers that are looked at."""
        return frozenset(self._kinds[number] for number, _, _ in self._wanted)

    def renewed(self, table: Table) -> Sayings:
        """The same with other lists."""
        other = Sayings(table, self._kinds)
        other._said = self._said
        return other

    def look(self, tables: Spoken) -> list[Shown]:
        """What is new of a piece's tables."""
        found: list[Shown] = []
        for number, kind, values in self._wanted:
            rows = np.flatnonzero(
                (tables.buffers["kind"] == number) & (tables.buffers["length"] == _LENGTHS[kind])
            )
            if not len(rows):
                continue
            places = tables.buffers["at"][rows][:, None] + np.arange(_LENGTHS[kind])
            texts = np.ascontiguousarray(tables.arena[places]).view(f"S{_LENGTHS[kind]}").reshape(-1)
            for at in np.flatnonzero(np.isin(texts, values)).tolist():
                shown = self._shown(tables, int(rows[at]), kind, texts[at].decode())
                found += [shown] if shown is not None else []
        for flow in tables.flows[tables.flows["ended"] != 0]["number"].tolist():
            self._said.pop(flow, None)
        return sorted(found, key=lambda shown: (shown.frame, shown.kind, shown.value, shown.direction))

    def _shown(self, tables: Spoken, row: int, kind: str, value: str) -> Shown | None:
        buffer: Any = tables.buffers[row]
        transaction: Any = tables.transactions[int(buffer["transaction"])]
        flow = int(transaction["flow"])
        direction = int(buffer["direction"])
        key = (int(transaction["number"]), int(buffer["kind"]), direction, int(buffer["part"]))
        said = self._said.setdefault(int(tables.flows["number"][flow]), set())
        if key in said:
            return None
        said.add(key)
        return Shown(kind, value, flow, int(buffer["frame"]), direction)
