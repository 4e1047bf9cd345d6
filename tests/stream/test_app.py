"""Desks: what is acknowledged, and when. The whole is tested in `test_runner`."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from citywall.errors import DataFolderError
from citywall.settings import CheckpointSettings
from stream import app as module
from stream import checkpoints, codecs
from stream.app import Desk, Hooks, Worker, log_of, make_app, topics_of
from stream.codecs import Header, Kind
from stream.stages import DEAD_LETTERS, DeadLetter, Output, Station


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
        yield Output("out", message.header.session, message.header.kind, bytes(message.body), count)

    def flush(self):
        return ()

    def snapshot(self):
        return {"heard": codecs.pack(self.heard)}

    def restore(self, parts):
        self.heard = codecs.unpack(parts["heard"], list[bytes])


class Bench:
    """One desk on a log of its own."""

    def __init__(self, root: Path, interval_s: float = 3600.0) -> None:
        self.root = root
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.app = make_app(root / "log", self.loop)
        self.station = Station(Echo())
        topics = topics_of(self.app, [self.station])
        for name in topics:
            log_of(self.app).create(name)
        self.failures: list[Exception] = []
        self.pool = ThreadPoolExecutor(1)
        hooks = Hooks(lambda: None, lambda *_: None, self.failures.append)
        self.desk = Desk(
            self.app, self.station, pool=self.pool, folder=root / "checkpoints",
            settings=CheckpointSettings(interval_s, 1.0), topics=topics, hooks=hooks,
        )  # fmt: skip
        self.seq = 0

    def append(self, kind: Kind, body: bytes) -> None:
        count = int(kind is Kind.DATA)
        header = Header("s", "before", 0, kind, self.seq, count, 0, codecs.schema_digest())
        log_of(self.app).append("in", 0, None, codecs.encode(header, body), 0.0)
        self.seq += count

    def out(self) -> list[bytes]:
        records = log_of(self.app).logs["out", 0].read(0, 1000, 1 << 30)
        return [bytes(codecs.decode(r.value)[1]) for r in records if r.value]

    def committed(self) -> int | None:
        return log_of(self.app).committed("citywall", "in", 0)

    def run(self, work) -> None:
        async def whole() -> None:
            worker = Worker(self.app, self.loop)
            await worker.start()
            try:
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
    log_of(bench.app).close()


def test_a_checkpoint_that_fails_commits_nothing_and_stops(tmp_path: Path, monkeypatch):
    bench = Bench(tmp_path, interval_s=0.001)

    def full(*_: object) -> int:
        raise DataFolderError("no space left")

    monkeypatch.setattr(module.checkpoints, "save", full)

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        await bench.until(lambda: bool(bench.failures))
        bench.append(Kind.DATA, b"more")
        await asyncio.sleep(0.05)
        assert bench.station.stage.heard == [b"open"]  # it takes nothing more
        assert bench.committed() is None
        await bench.desk.close()
        assert bench.committed() is None

    bench.run(work)
    assert [str(e) for e in bench.failures] == ["no space left"]
    log_of(bench.app).close()


def test_bad_messages_become_dead_letters(tmp_path: Path, caplog):
    bench = Bench(tmp_path)

    async def work() -> None:
        bench.append(Kind.OPEN, b"open")
        bench.append(Kind.DATA, b"bad")
        bench.append(Kind.DATA, b"good")
        await bench.until(lambda: b"good" in bench.out())
        await bench.until(lambda: log_of(bench.app).logs[DEAD_LETTERS, 0].end == 1)

    with caplog.at_level(logging.CRITICAL):
        bench.run(work)
    letters = log_of(bench.app).logs[DEAD_LETTERS, 0].read(0, 10, 1 << 20)
    letter = codecs.unpack(letters[0].value or b"", DeadLetter)
    assert (letter.topic, letter.stage, letter.reason) == ("in", "echo", "ValueError: this one is bad")
    assert codecs.decode(letter.message)[1] == b"bad"
    log_of(bench.app).close()


def test_faust_says_nothing_and_leaves_logging_alone(tmp_path: Path, capfd):
    handlers = list(logging.getLogger().handlers)
    bench = Bench(tmp_path)

    async def work() -> None:
        await asyncio.sleep(0.05)

    bench.run(work)
    log_of(bench.app).close()
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
