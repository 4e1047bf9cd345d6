"""What a stage is, and the station it works at.

A stage is a plain object: messages in, outputs out, state that can be saved. The station around it drops
duplicates, numbers outputs, sets bad messages aside and measures. Neither knows Faust.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from citywall.errors import CitywallError, DataFolderError, Interrupted, Misplaced, StoreError, StreamError
from citywall.state import Parts, bytes_of
from citywall.watermarks import BEGINNING
from stream import codecs
from stream.codecs import Header, Kind, Tally
from stream.keeping import Tail, again_of, tails_of
from stream.positions import Ordinals, Positions

log = logging.getLogger(__name__)

DEAD_LETTERS = "dead-letters"
#: Where a sink says that a session is over; never a topic of the log.
FINISHED = "finished"
#: In place of an offset: handed over in this process, see `stream.passing`.
HANDED = -1
#: The error that a session's tally counts messages set aside under.
SET_ASIDE = "message_set_aside"


class Message(NamedTuple):
    """One admitted message. The first `skip` of its items were taken before and must be left out."""

    topic: str
    header: Header
    body: memoryview
    skip: int


class Output(msgspec.Struct, frozen=True):
    """What a stage says to a partition of a topic; the station makes a numbered message of it.

    Its promise holds also for what will be said to that partition of the topic `beside`.
    """

    topic: str
    session: str
    kind: Kind
    body: codecs.Body
    count: int = 0
    watermark: int = BEGINNING
    mark: int = 0
    beside: str = ""
    partition: int = 0


class Addressed(NamedTuple):
    """A message and where it is to be sent."""

    topic: str
    partition: int
    message: bytes


class Stage(Protocol):
    """One bracket of the stream.

    `receive` takes one message and raises where it is bad. `flush` finishes what the messages since the
    last flush made possible. Both give outputs as they come, so that memory stays bounded; how messages are
    grouped between flushes never changes the items put out nor their order. State is saved only after a
    flush.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    totals: dict[str, int]  # for the display, by name

    def receive(self, message: Message) -> Iterable[Output]:
        """Take one message."""
        ...

    def flush(self) -> Iterable[Output]:
        """Say what the messages so far allow."""
        ...

    def snapshot(self) -> Parts:
        """The state, as `citywall.state` has it."""
        ...

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        ...


class Role(msgspec.Struct, frozen=True):
    """A stage's place in the stream. `make` gives one for a partition of its inputs.

    `pinned`: only the process that owns the data folder can play it. What comes out goes to the partition of
    the topic that the stage names, whichever partition made it; its header says which that was.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    make: Callable[[int], Stage]
    partitions: int = 1
    pinned: bool = False


def under(parts: Parts, prefix: str) -> Parts:
    """The parts whose names begin with `prefix`, named without it."""
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}


class Cost:
    """What a station has cost.

    Messages taken, seconds inside it by the wall and by its processor, seconds of its checkpoints (wall).
    """

    def __init__(self) -> None:
        self.messages = 0
        self.wall = 0.0
        self.cpu = 0.0
        self.saving = 0.0


class DeadLetter(msgspec.Struct, frozen=True):
    """A message set aside: where it came from and why."""

    topic: str
    stage: str
    partition: int
    reason: str
    message: bytes


class Station:
    """A stage at its place in one partition."""

    def __init__(self, stage: Stage, partition: int = 0) -> None:
        self.stage = stage
        self.partition = partition
        self.positions = Positions()
        self.ordinals = Ordinals()
        self.offsets: dict[str, dict[int, int]] = {}  # topic, partition: next offset
        self.cost = Cost()
        self.dead: list[DeadLetter] = []  # set aside since last taken
        self.aside: dict[str, int] = {}  # messages set aside, by session
        self.items = 0  # taken, for the display
        self.ended = False  # a session ended here in the last batch: some of its inputs may end long before
        self.saved = 0.0  # when the last checkpoint was written, wall-clock seconds
        self.tails: dict[str, Tail] = tails_of(stage)  # of topics that are read again after a restart

    def take_dead(self) -> list[DeadLetter]:
        """Messages set aside since the last call."""
        dead, self.dead = self.dead, []
        return dead

    def seen(self, topic: str, partition: int, offset: int) -> bool:
        """Whether the restored state already stands for this message."""
        return offset < self.offsets.get(topic, {}).get(partition, 0)

    def work(self, batch: Sequence[tuple[str, int, int, bytes]]) -> Iterator[Addressed]:
        """Take messages of (topic, partition, offset, bytes); gives the messages to send.

        Must be read to its end before the next batch or a snapshot. A message that cannot be used is left
        in `dead`. StoreError, Misplaced, Interrupted (records missing between two batches) and errors while
        finishing the batch are raised: the stream must not go on past them.
        """
        self.ended = False
        for topic, partition, offset, data in batch:
            if offset == HANDED:
                yield from self._receive(topic, data)
                continue
            known = self.offsets.setdefault(topic, {})
            # Who was restored, and then taken for dead before it read, reads on from what others committed.
            if offset > (due := known.get(partition, 0)):
                raise Interrupted(
                    f"{topic}/{partition} goes on at record {offset}, but {due} is next: records are missing"
                )
            if not self.seen(topic, partition, offset):
                yield from self._receive(topic, data)
                known[partition] = offset + 1
                if topic in self.tails:
                    self.tails[topic].add(offset, len(data))
        for output in self.stage.flush():
            yield self._number(output)
        self.cost.messages += len(batch)

    def _receive(self, topic: str, data: bytes) -> Iterator[Addressed]:
        try:
            header, body = codecs.decode(data)
        except StreamError as e:
            self._set_aside(topic, "", data, e)
            return
        skip = self.positions.admit(topic, header)
        if skip is None:
            if topic in self.tails:
                again_of(self.stage, Message(topic, header, body, 0))
            return
        self.items += header.count - skip
        try:
            for output in self.stage.receive(Message(topic, header, body, skip)):
                yield self._number(output)
        except (StoreError, DataFolderError, Misplaced, Interrupted, MemoryError):
            raise  # not the message's fault
        except Exception as e:
            if header.kind is not Kind.DATA:  # without them the session could never end
                raise
            self._set_aside(topic, header.session, data, e)

    def _set_aside(self, topic: str, session: str, data: bytes, error: Exception) -> None:
        known = isinstance(error, CitywallError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        log.error("%s: a message of %s is set aside: %s", self.stage.name, topic, reason, exc_info=not known)
        self.aside[session] = self.aside.get(session, 0) + 1
        self.dead.append(DeadLetter(topic, self.stage.name, self.partition, reason, bytes(data)))

    def _number(self, output: Output) -> Addressed:
        body, last = output.body, output.kind is Kind.END
        self.ended |= last
        topic, partition, session = output.topic, output.partition, output.session
        seq = self.ordinals.number((topic, partition, session), output.count, last=last)
        if last and not partition and (aside := self.aside.get(session)):  # tallies are told to the first
            assert not isinstance(body, tuple)
            tally = codecs.unpack(body, Tally)
            tally.count({SET_ASIDE: aside})
            body = codecs.pack(tally)
        header = Header(
            output.session, self.stage.name, self.partition, output.kind, seq, output.count,
            output.watermark, codecs.schema_digest(), output.mark,
            self.ordinals.said((output.beside, partition, session)) if output.beside else -1,
        )  # fmt: skip
        return Addressed(topic, partition, codecs.encode(header, body))

    def stand(self) -> dict[str, dict[int, int]]:
        """The offsets a checkpoint is to name: of a topic with a tail, where that begins."""
        offsets = {topic: dict(known) for topic, known in self.offsets.items()}
        for topic, tail in self.tails.items():
            if tail.first is not None:
                offsets[topic][self.partition] = tail.first
        return offsets

    def snapshot(self) -> Parts:
        """The stage's state and the station's own."""
        parts: Parts = {f"stage/{name}": part for name, part in self.stage.snapshot().items()}
        parts["positions"] = self.positions.snapshot()
        parts["ordinals"] = self.ordinals.snapshot()
        parts["aside"] = codecs.pack(self.aside)
        return parts

    def restore(self, parts: Parts, offsets: dict[str, dict[int, int]]) -> None:
        """Take over a snapshot that stands for everything before `offsets`."""
        self.positions.restore(bytes_of(parts, "positions"))
        self.ordinals.restore(bytes_of(parts, "ordinals"))
        self.aside = codecs.unpack(bytes_of(parts, "aside"), dict[str, int])
        self.stage.restore(under(parts, "stage/"))
        self.offsets = offsets
