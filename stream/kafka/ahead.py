"""Records taken from the client before their streams have room for them.

The client asks a broker for one answer at a time, and for nothing of a partition while it still holds records
of it. Were records left with it until a stream has room, a partition that has just been emptied would wait
until the request under way ends, which idle partitions let last. Taken off its hands as they come, every
partition is part of every request, and what comes next travels while this is worked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

#: Bytes of one partition that wait here at most, but for the last records that were taken.
MOST_BYTES = 8 << 20


class Ahead:
    """What was taken of each partition, in order. Records are whatever has a `value` of bytes, or None."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._records: dict[Any, deque[tuple[int, Any]]] = {}
        self._bytes: dict[Any, int] = {}

    def hungry(self, places: Iterable[Any]) -> list[Any]:
        """Those of the partitions of which more should be taken."""
        return [place for place in places if self._bytes.get(place, 0) < self._most]

    def add(self, found: Mapping[Any, list[Any]], generation: int) -> None:
        """Records, behind those that are here."""
        for place, records in found.items():
            self._records.setdefault(place, deque()).extend((generation, record) for record in records)
            self._bytes[place] = self._bytes.get(place, 0) + sum(map(_size, records))

    def take(self, room: Mapping[Any, int]) -> dict[Any, list[tuple[int, Any]]]:
        """The oldest of each partition, as many as there is room for, each with its generation."""
        taken: dict[Any, list[tuple[int, Any]]] = {}
        for place, free in room.items():
            if waiting := self._records.get(place):
                taken[place] = [waiting.popleft() for _ in range(min(free, len(waiting)))]
                self._bytes[place] -= sum(_size(record) for _, record in taken[place])
        return taken

    def drop(self, places: Iterable[Any]) -> None:
        """Forget what was taken of partitions: they go on elsewhere."""
        for place in list(places):
            self._records.pop(place, None)
            self._bytes.pop(place, None)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._bytes.clear()


def _size(record: Any) -> int:
    return len(record.value or b"")
