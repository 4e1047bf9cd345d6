"""What a stage has already taken from whom, and what number its next output gets.

Replay after a crash cuts the same items into other messages (messages of a batch are joined, partitions
interleave differently), so duplicates are told by the ordinal of items, never by that of messages.
"""

from __future__ import annotations

import msgspec

from citywall.errors import StreamError
from stream.codecs import Header, Kind

_ENDED = -1
#: Ended streams that are remembered: a replay goes back a checkpoint or two, never that many sessions.
ENDED_KEPT = 4096
_Key = tuple[str, str, str, int]  # topic, session, stage, partition
_Place = tuple[str, int, str]  # topic, its partition, session


class Positions:
    """Next expected ordinal of every stream that comes in; `_ENDED` once its session is over there."""

    def __init__(self) -> None:
        self._next: dict[_Key, int] = {}

    def admit(self, topic: str, header: Header) -> int | None:
        """How many leading items were already taken, or None where the whole message was.

        Raises StreamError where items are missing between what was taken and this message.
        """
        key = (topic, header.session, header.stage, header.partition)
        known = self._next.get(key)
        if header.kind is Kind.OPEN:
            if known is not None:
                return None
            self._next[key] = 0
            return 0
        if known == _ENDED:
            return None
        if known is None or header.seq > known:
            raise StreamError(
                f"topic {topic!r} goes on at item {header.seq} of session {header.session} from stage"
                f" {header.stage!r}, but only {known or 0} came before: the log has lost messages"
            )
        if header.kind is Kind.END:
            del self._next[key]
            self._next[key] = _ENDED
            self._forget()
            return 0
        end = header.seq + header.count
        if end <= known and header.count:
            return None
        self._next[key] = max(end, known)
        return known - header.seq if header.count else 0

    def _forget(self) -> None:
        """A process that runs on takes sessions without end."""
        ended = [key for key, taken in self._next.items() if taken == _ENDED]
        for key in ended[:-ENDED_KEPT]:
            del self._next[key]

    def taken(self, topic: str, session: str, stage: str, partition: int = 0) -> int | None:
        """Items taken so far; None before the session opened, -1 after it ended."""
        return self._next.get((topic, session, stage, partition))

    def of(self, stage: str, most: int = 8) -> dict[str, dict[str, int]]:
        """Items taken from `stage` so far, of its newest sessions: by topic, then session."""
        found: dict[str, dict[str, int]] = {}
        for (topic, session, producer, partition), taken in reversed(list(self._next.items())):
            known = found.setdefault(topic, {}) if producer == stage and not partition else None
            if known is not None and len(known) < most:
                known[session] = taken
        return found

    def snapshot(self) -> bytes:
        """As bytes for a checkpoint."""
        return msgspec.msgpack.encode(list(self._next.items()))

    def restore(self, data: bytes) -> None:
        """Take over a snapshot."""
        pairs = msgspec.msgpack.decode(data, type=list[tuple[_Key, int]])
        self._next = dict(pairs)


class Ordinals:
    """Numbers the items a stage puts out, by topic, its partition, and session."""

    def __init__(self) -> None:
        self._next: dict[_Place, int] = {}

    def number(self, place: _Place, count: int, *, last: bool) -> int:
        """The ordinal of the first of `count` items; `last` forgets the place."""
        seq = self.said(place)
        if last:
            self._next.pop(place, None)
        else:
            self._next[place] = seq + count
        return seq

    def said(self, place: _Place) -> int:
        """Items so far; 0 also after their end."""
        return self._next.get(place, 0)

    def snapshot(self) -> bytes:
        """As bytes for a checkpoint."""
        return msgspec.msgpack.encode(list(self._next.items()))

    def restore(self, data: bytes) -> None:
        """Take over a snapshot."""
        self._next = dict(msgspec.msgpack.decode(data, type=list[tuple[_Place, int]]))
