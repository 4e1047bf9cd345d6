from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from citywall.state import Parts, bytes_of
from stream import codecs
from stream.codecs import Header, Kind
from stream.keeping import Tail
from stream.stages import Message, Output, Station


def test_a_tail_keeps_the_newest_and_never_nothing():
    tail = Tail(10)
    assert tail.first is None
    for offset, size in enumerate((4, 4, 4, 99, 1)):
        tail.add(offset, size)
        assert tail.first == (0, 0, 1, 3, 4)[offset]


class Adding:
    """A stage that cannot save what it has in mind: the messages of its tail."""

    name, inputs, outputs = "adding", ("in",), ("out",)
    totals: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        self.keeps = {"in": 300}
        self.mind: list[int] = []
        self.said = 0

    def receive(self, message: Message) -> Iterable[Output]:
        if message.header.kind is Kind.DATA:
            self._take(message)
            yield Output("out", message.header.session, Kind.DATA, codecs.pack(self.mind[-2:]), 1)
            self.said += 1

    def again(self, message: Message) -> None:
        if message.header.kind is Kind.DATA:
            self._take(message)

    def _take(self, message: Message) -> None:
        self.mind.append(codecs.unpack(message.body, int))
        if self.mind[-1] == 3:
            raise ValueError("nobody likes three")

    def flush(self) -> Iterable[Output]:
        return ()

    def snapshot(self) -> Parts:
        return {"said": str(self.said).encode()}

    def restore(self, parts: Parts) -> None:
        self.said = int(bytes_of(parts, "said"))


def log(count: int) -> list[tuple[str, int, int, bytes]]:
    def message(kind: Kind, seq: int, body: bytes) -> bytes:
        header = Header("s", "before", 0, kind, seq, int(kind is Kind.DATA), 0, codecs.schema_digest())
        return codecs.encode(header, body)

    said = [message(Kind.OPEN, 0, b""), *(message(Kind.DATA, i, codecs.pack(i)) for i in range(count))]
    return [("in", 0, offset, each) for offset, each in enumerate(said)]


def given(outputs: Iterable[Any]) -> list[list[int]]:
    return [codecs.unpack(codecs.decode(each.message)[1], list[int]) for each in outputs]


def test_what_cannot_be_saved_is_made_again_of_what_the_log_kept():
    messages = log(9)
    undisturbed = given(Station(Adding()).work(messages))
    for stop in range(1, len(messages)):
        first = Station(Adding())
        told = given(first.work(messages[:stop]))
        offsets, parts = first.stand(), first.snapshot()
        assert 0 < stop - offsets["in"][0] <= 300 // len(messages[1][3]) + 1
        second = Station(Adding())
        second.restore(parts, offsets)
        assert second.stand() == offsets  # saved again before anything came: the same
        again = messages[offsets["in"][0] :]
        told += given(second.work(again[:2])) + given(second.work(again[2:]))
        assert told == undisturbed, stop
        assert second.offsets["in"][0] == len(messages)
