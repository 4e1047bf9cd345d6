"""Handing bulk over in one process although the transport is shared with others.

Who writes flows, and who reads them, mostly work in one process: what one says to the other then need not
travel to the brokers and back. On a shared transport a message has no offset before a broker gives it one,
so what is handed over has none: it goes straight into the reader's inbox, and is known by its ordinals. So
that nothing is lost, doubled or out of order,

1. a writer begins to hand over only when its reader has taken all that it sent over the transport, and never
   goes back to sending while something it handed over is not saved;
2. a desk that handed something over saves only behind its readers: they work what they were handed, save,
   and commit;
3. what counts of checkpoints is what the group committed (`TopicKeeper`), so nobody who lost its
   partitions without knowing can put a reader's state behind what its writer has saved.

Killed in between, both stand where they stood before, and the writer says it all again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from citywall.errors import Interrupted
from stream.stages import HANDED, Role, Station

#: What is handed over so: said by stages that are mostly where their readers are.
PASSED = ("flows", "closed", "events", "said")
#: Bytes that wait in an inbox before who writes must wait.
INBOX_BYTES = 32 << 20
#: Seconds that a writer waits for its reader to have taken what was sent before; messages between two tries.
_CATCH_UP_S, _TRY_EVERY = 0.5, 64
_LOOK_S = 0.002
_ELSEWHERE = "{}/{} went elsewhere with what was not saved"

Event = tuple[str, int, bytes]  # topic, offset, message


class Inbox:
    """What a station was handed and has not taken yet, in order."""

    def __init__(self) -> None:
        self._messages: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self.handed = 0  # messages so far
        self.room = asyncio.Event()

    def __len__(self) -> int:
        """Messages."""
        return len(self._messages)

    @property
    def taken(self) -> int:
        """Messages that the station has taken so far."""
        return self.handed - len(self._messages)

    @property
    def full(self) -> bool:
        """Whether who writes should wait."""
        return self._bytes > INBOX_BYTES

    def put(self, topic: str, message: bytes) -> None:
        """Behind what is there."""
        self._messages.append((topic, message))
        self.handed += 1
        self._bytes += len(message)

    def take(self, most: int) -> list[Event]:
        """Up to `most` of the oldest."""
        found: list[Event] = []
        while self._messages and len(found) < most:
            topic, message = self._messages.popleft()
            self._bytes -= len(message)
            found.append((topic, HANDED, message))
        self.room.set()
        return found


class Working(Protocol):
    """A station under way in this process."""

    station: Station
    inbox: Inbox
    places: dict[tuple[str, int], Place]


class Reader(Protocol):
    """A desk that may be handed something."""

    role: Role

    def working(self, partition: int) -> Working | None:
        """What works a partition here, if anything does."""
        ...

    async def hand(self, taker: Working, topic: str, message: bytes) -> None:
        """Put a message into an inbox, and wait while it is full and emptied."""
        ...

    async def catch_up(self) -> bool:
        """Work what was handed over by now and save; whether all of it is."""
        ...


class Place:
    """A partition of a topic as one writer sees it."""

    def __init__(self, reader: Reader, taker: Working | None) -> None:
        self.reader = reader
        self.taker = taker
        self.last: Any = None  # the future of the last message that was sent over the transport
        self.tried = 0  # messages sent since it was last waited for
        self.straight = False
        self.owed = False  # something was handed over that the reader has not saved

    def caught_up(self, topic: str, partition: int) -> bool:
        """Whether the reader has taken all that was sent."""
        if self.taker is None or self.last is None or not self.last.done():
            return False
        taken = self.taker.station.offsets.get(topic, {}).get(partition, 0)
        return bool(taken > self.last.result().offset)


class Passing:
    """Between the desks of one process. Every desk joins before anything runs."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}

    def join(self, desk: Reader) -> None:
        """A desk of this process."""
        self._readers |= {topic: desk for topic in desk.role.inputs if topic in PASSED}

    def worked(self, offsets: dict[str, dict[int, int]]) -> None:
        """Inboxes know themselves."""

    async def give(self, work: Working, topic: str, partition: int, message: bytes) -> bool:
        """Hand a message over if it can be; whether it was. Else it is to be sent, and `sent` be told.

        Raises Interrupted where it neither can be handed over nor may be sent.
        """
        reader = self._readers.get(topic)
        if reader is None:
            return False
        taker = reader.working(partition)
        place = work.places.get((topic, partition))
        if place is None or place.taker is not taker:
            if place is not None and place.owed:
                raise Interrupted(_ELSEWHERE.format(topic, partition))
            place = work.places[topic, partition] = Place(reader, taker)
        if taker is None or not (place.straight or await self._begin(place, topic, partition)):
            return False
        place.owed = True
        await reader.hand(taker, topic, message)
        return True

    def sent(self, work: Working, topic: str, partition: int, future: Any) -> None:
        """A message that could not be handed over is on its way."""
        if (place := work.places.get((topic, partition))) is not None:
            place.last = future
            place.tried += 1

    async def _begin(self, place: Place, topic: str, partition: int) -> bool:
        """Whether the reader has taken all that was sent: it is waited for a little, now and then."""
        if place.last is None:
            return False
        if place.tried % _TRY_EVERY == 1:
            deadline = asyncio.get_running_loop().time() + _CATCH_UP_S
            while not place.caught_up(topic, partition) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 (a thread takes it)
                await asyncio.sleep(_LOOK_S)
        place.straight = place.caught_up(topic, partition)
        return place.straight

    def covered(self, _: Role, places: dict[tuple[str, int], Place]) -> bool:
        """Whether readers have saved all that was handed over."""
        return not any(place.owed for place in places.values())

    async def cover(self, _: Role, places: dict[tuple[str, int], Place]) -> bool:
        """Have the readers save what they were handed; whether they have.

        Raises Interrupted where one is not there any more.
        """
        owing = {at: place for at, place in places.items() if place.owed}
        for reader in dict.fromkeys(place.reader for place in owing.values()):
            if not await reader.catch_up():
                return False
        for (topic, partition), place in owing.items():
            if place.reader.working(partition) is not place.taker:
                raise Interrupted(_ELSEWHERE.format(topic, partition))
            place.owed = False
        return True
