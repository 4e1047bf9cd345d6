"""Desks: what is acknowledged, and when. The whole is tested in `test_runner`."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from citywall.errors import DataFolderError
from citywall.settings import CheckpointSettings
from stream import checkpoints, codecs, desk, handover, passing
from stream.app import Worker, local_url, make_app, raw_topic, topics_of
from stream.board import Board
from stream.checkpoints import FolderKeeper
from stream.codecs import Header, Kind
from stream.desk import Desk, Hooks
from stream.handover import Handover
from stream.passing import Passing
from stream.stages import DEAD_LETTERS, DeadLetter, Output, Role


class Echo:
    """Says what it hears."""

    name, inputs, outputs = "echo", ("in",), ("out",)

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.heard: list[bytes] = []

    def receive(self, message):
        self.heard.append(bytes(message.body))
        if message.body == b"bad":
            raise ValueError("this one is bad")
        count = int(message.header.kind is Kind.DATA)
        yield Output(self.outputs[0], message.header.session, message.header.kind, bytes(message.body), count)

    def flush(self):
        return ()

    def snapshot(self):
        return {"heard": codecs.pack(self.heard)}

    def restore(self, parts):
        self.heard = codecs.unpack(parts["heard"], list[bytes])


class Plain:
    """Topics are called what they are."""

    def full(self, topic: str) -> str:
        return topic


async def told(*_: object) -> None:
    """Nobody waits for the end of a session here."""


class Bench:
    """One desk on a log of its own."""

    def __init__(self, root: Path, interval_s: float = 3600.0, *, hands_over: bool = False) -> None:
        self.root = root
        self.interval_s = interval_s
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.app = make_app(local_url(root / "log"), self.loop)
        self.log = self.app.transport.folder
        self.echo = Echo()
        self.roles = [Role("echo", Echo.inputs, Echo.outputs, lambda _: self.echo)]
        self.failures: list[BaseException] = []
        self.pool = ThreadPoolExecutor(1)
        self.seq = 0
        self.set_up(hands_over)

    def set_up(self, hands_over: bool) -> None:
        (self.desk,) = self.desks(lambda: Handover(self.log, "citywall") if hands_over else None)

    def desks(self, make: Callable[[], Handover | Passing | None]) -> list[Desk]:
        topics = topics_of(self.roles)
        for name, partitions in topics.items():
            self.log.create(name, partitions)
        given, keeper = make(), FolderKeeper(self.root / "checkpoints")
        hooks = Hooks(lambda: None, told, self.failures.append, asyncio.Lock())
        return [
            Desk(
                self.app, role, naming=Plain(), pool=self.pool, keeper=keeper,
                settings=CheckpointSettings(self.interval_s, 1.0), board=Board(), hooks=hooks, handover=given,
                topics={name: raw_topic(self.app, name) for name in topics},
            )
            for role in self.roles
        ]  # fmt: skip

    def append(self, kind: Kind, body: bytes) -> None:
        count = int(kind is Kind.DATA)
        header = Header("s", "before", 0, kind, self.seq, count, 0, codecs.schema_digest())
        self.log.append("in", 0, None, codecs.encode(header, body), 0.0)
        self.seq += count

    def out(self) -> list[bytes]:
        records = self.log.logs["out", 0].read(0, 1000, 1 << 30)
        return [bytes(codecs.decode(r.value)[1]) for r in records if r.value]

    def committed(self) -> int | None:
        return self.log.committed("citywall", "in", 0)

    def run(self, work) -> None:
        async def whole() -> None:
            worker = Worker(self.app, self.loop)
            await worker.start()
            try:
                await self.desk.assign({0}, 1)
                await work()
            finally:
                await worker.stop()

        try:
            self.loop.run_until_complete(whole())
        finally:
            self.pool.shutdown()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def until(self, condition) -> None:
        for _ in range(1000):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it never came")


def test_a_checkpoint_stands_before_anything_is_committed(tmp_path: Path):
    bench = Bench(tmp_path)

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        for i in range(20):
            bench.append(Kind.DATA, str(i).encode())
        await bench.until(lambda: len(bench.out()) == 21)
        assert bench.committed() is None
        assert checkpoints.load(tmp_path / "checkpoints", "echo", 0) is None
        await bench.desk.close()
        assert bench.committed() == 21
        found = checkpoints.load(tmp_path / "checkpoints", "echo", 0)
        assert found is not None
        assert found[0] == {"in": {0: 21}}

    bench.run(work)
    assert bench.failures == []
    bench.log.close()


def test_at_the_end_of_a_session_who_writes_waits_for_who_reads(tmp_path: Path, monkeypatch):
    """Reports that were worked and never written are lost where their writer commits before their reader."""
    monkeypatch.setattr(handover, "BULK", ("out",))
    bench = Bench(tmp_path, hands_over=True)
    out = bench.log.logs["out", 0]

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        await bench.until(lambda: out.end == 1)
        out.release(1)  # somebody has worked it
        bench.append(Kind.END, codecs.pack(codecs.Tally()))
        await bench.until(lambda: out.end == 2 and not bench.desk.busy)
        assert bench.committed() is None
        await bench.desk.save()
        assert bench.committed() is None  # nobody who reads can save here
        await bench.log.commit("citywall", {("out", 0): 1})
        bench.append(Kind.OPEN, b"known")
        await bench.until(lambda: bench.committed() == 3)

    bench.run(work)
    assert bench.failures == []
    assert (out.forgone, out.written) == (1, 2)
    bench.log.close()


class Pair(Bench):
    """An echo and who hears it, in one process on a transport that could be shared."""

    def set_up(self, hands_over: bool) -> None:
        self.hearing = Echo()
        self.hearing.inputs, self.hearing.outputs = ("out",), ("out2",)
        self.roles.append(Role("hear", ("out",), ("out2",), lambda _: self.hearing))
        self.desk, self.reader = self.desks(Passing)

    async def straight(self) -> None:
        """Until messages are handed over."""
        self.app.add_future(self.reader.take_handed())
        await self.reader.assign({0}, 1)
        self.append(Kind.OPEN, b"open")
        for i in range(20):
            self.append(Kind.DATA, str(i).encode())
        await self.until(lambda: len(self.hearing.heard) == 21)

    def heard_to(self) -> int | None:
        return self.log.committed("citywall", "out", 0)


def test_what_is_handed_over_is_saved_by_its_reader_first(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(passing, "PASSED", ("out",))
    bench = Pair(tmp_path)

    async def work() -> None:
        await bench.straight()
        assert len(bench.out()) < 21  # the others never saw the log
        assert bench.hearing.heard == [b"open", *(str(i).encode() for i in range(20))]
        await bench.desk.close()
        assert bench.committed() == 21
        assert bench.heard_to() == len(bench.out())
        found = checkpoints.load(tmp_path / "checkpoints", "hear", 0)
        assert found is not None
        assert codecs.unpack(found[1]["stage/heard"], list[bytes]) == bench.hearing.heard

    bench.run(work)
    assert bench.failures == []
    bench.log.close()


def test_where_a_reader_cannot_save_nothing_of_its_writer_counts(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(passing, "PASSED", ("out",))
    bench = Pair(tmp_path)
    save = checkpoints.save

    def full(folder: Path, stage: str, *rest: Any) -> int:
        if stage == "hear":
            raise DataFolderError("no space left")
        return save(folder, stage, *rest)

    monkeypatch.setattr(checkpoints, "save", full)

    async def work() -> None:
        await bench.straight()
        with pytest.raises(DataFolderError, match="no space left"):
            await bench.desk.close()
        assert bench.committed() is None
        assert checkpoints.load(tmp_path / "checkpoints", "echo", 0) is None

    bench.run(work)
    bench.log.close()


def test_a_checkpoint_that_fails_commits_nothing_and_stops(tmp_path: Path, monkeypatch):
    bench = Bench(tmp_path, interval_s=1e-9)

    def full(*_: object) -> int:
        raise DataFolderError("no space left")

    monkeypatch.setattr(checkpoints, "save", full)

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        await bench.until(lambda: bool(bench.failures))
        bench.append(Kind.DATA, b"more")
        await asyncio.sleep(0.05)
        assert bench.echo.heard == [b"open"]  # it takes nothing more
        assert bench.committed() is None
        await bench.desk.close()
        assert bench.committed() is None

    bench.run(work)
    assert [str(e) for e in bench.failures] == ["no space left"]
    bench.log.close()


def test_nothing_is_saved_in_the_middle_of_a_batch(tmp_path: Path):
    """Who is stopped there leaves a thread at work: what it holds belongs to no offset."""
    bench = Bench(tmp_path)
    begun, go_on = threading.Event(), threading.Event()
    receive = bench.echo.receive

    def slow(message):
        if message.body == b"slow":
            begun.set()
            go_on.wait(20)
        return receive(message)

    bench.echo.receive = slow  # type: ignore[method-assign]

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        await bench.until(lambda: len(bench.out()) == 1)
        bench.append(Kind.DATA, b"slow")
        await bench.until(begun.is_set)
        await bench.desk.stop()
        await bench.desk.revoke()
        assert checkpoints.load(tmp_path / "checkpoints", "echo", 0) is None
        assert bench.committed() is None
        go_on.set()
        assert await bench.desk.assign({0}, 2) == 0
        assert bench.desk.stations[0].offsets == {}  # begun anew, not gone on with

    bench.run(work)
    bench.log.close()


def test_partitions_are_handed_over_although_a_batch_does_not_end(tmp_path: Path, monkeypatch, caplog):
    """A store that is away makes one stage wait, not everybody whose partitions are given out anew."""
    monkeypatch.setattr(desk, "HAND_OVER_S", 0.05)
    bench = Bench(tmp_path)
    begun, go_on = threading.Event(), threading.Event()
    receive = bench.echo.receive

    def slow(message):
        if message.body == b"slow":
            begun.set()
            go_on.wait(20)
        return receive(message)

    bench.echo.receive = slow  # type: ignore[method-assign]

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        await bench.until(lambda: len(bench.out()) == 1)
        bench.append(Kind.DATA, b"slow")
        await bench.until(begun.is_set)
        await bench.desk.revoke()
        assert checkpoints.load(tmp_path / "checkpoints", "echo", 0) is None
        go_on.set()
        bench.echo = Echo()
        await bench.desk.assign({0}, 2)
        assert not bench.desk.busy

    bench.run(work)
    assert bench.failures == []
    assert "a batch is cut off" in caplog.text
    bench.log.close()


def test_bad_messages_become_dead_letters(tmp_path: Path, caplog):
    bench = Bench(tmp_path)

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        bench.append(Kind.DATA, b"bad")
        bench.append(Kind.DATA, b"good")
        await bench.until(lambda: b"good" in bench.out())
        await bench.until(lambda: bench.log.logs[DEAD_LETTERS, 0].end == 1)

    with caplog.at_level(logging.CRITICAL):
        bench.run(work)
    letters = bench.log.logs[DEAD_LETTERS, 0].read(0, 10, 1 << 20)
    letter = codecs.unpack(letters[0].value or b"", DeadLetter)
    assert (letter.topic, letter.stage, letter.reason) == ("in", "echo", "ValueError: this one is bad")
    assert codecs.decode(letter.message)[1] == b"bad"
    bench.log.close()
