"""The engine on the embedded log. Runs are in `test_runner`, rebalances in `end_to_end/test_kafka`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faust.types import TP

from citywall.errors import StreamError
from citywall.settings import Settings
from stream import codecs
from stream.app import topics_of
from stream.backbone import LocalBackbone
from stream.board import Board
from stream.codecs import Header, Kind
from stream.data_folder import DataFolder
from stream.desk import Hooks
from stream.engine import Engine
from stream.eventloop import run_loop
from stream.stages import Role


def message(seq: int, body: bytes) -> bytes:
    kind = Kind.DATA if seq >= 0 else Kind.OPEN
    return codecs.encode(
        Header("s", "feeder", 0, kind, max(seq, 0), int(seq >= 0), 0, codecs.schema_digest()), body
    )


class Take:
    """Remembers what it heard."""

    name, inputs, outputs = "take", ("in",), ()

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.heard: list[bytes] = []

    def receive(self, message):
        self.heard.append(bytes(message.body))
        return ()

    def flush(self):
        return ()

    def snapshot(self):
        return {}

    def restore(self, parts):
        raise AssertionError("there is nothing to restore")


def test_every_partition_gets_what_is_sent_and_a_station(tmp_path: Path):
    folder = DataFolder(tmp_path)
    made: dict[int, Take] = {}
    failures: list[BaseException] = []

    def make(partition: int) -> Take:
        made[partition] = Take()
        return made[partition]

    async def nobody(*_: object) -> None:
        raise AssertionError("no session ends here")

    async def whole() -> None:
        roles = [Role("take", Take.inputs, Take.outputs, make, partitions=3)]
        backbone, board = LocalBackbone(folder), Board()
        await backbone.open(topics_of(roles))
        hooks = Hooks(lambda: None, nobody, failures.append, asyncio.Lock())
        with ThreadPoolExecutor(2) as pool:
            engine = Engine(backbone, roles, Settings(), cast=roles, pool=pool, board=board, hooks=hooks)
            await engine.start()
            await engine.ready.wait()
            await engine.send("in", message(-1, b"open"))
            for i in range(100):
                await engine.send("in", message(i, str(i).encode()))
            while min(len(take.heard) for take in made.values()) < 101:
                await asyncio.sleep(0.01)
            engine.check()
            assert board.taken("in", "s", 3) == 100
            async with asyncio.timeout(10):
                while engine.waiting() != {("in", p): 101 for p in range(3)}:  # the last batch is just ending
                    await asyncio.sleep(0.01)
            await engine.settle(save=True)
            assert engine.waiting() == {}  # it takes nothing more
            engine.add(failing())
            await asyncio.sleep(0.05)
            await engine.app.crash(RuntimeError("gone"))
            with pytest.raises(StreamError, match="the stream engine stopped: RuntimeError"):
                engine.check()
            await engine.stop()

    async def failing() -> None:
        raise StreamError("this failed")

    run_loop(whole(), lambda _: None)  # after a crash Faust may leave tasks that end for nobody
    assert sorted(made) == [0, 1, 2]
    assert [str(e) for e in failures] == ["this failed"]
    assert {tuple(take.heard) for take in made.values()} == {
        (b"open", *(str(i).encode() for i in range(100)))
    }
    folder.close()


def test_what_brokers_deleted_before_it_was_worked_is_told(tmp_path: Path):
    """It would be missing without a trace: the transport reads on from the oldest record kept."""
    folder = DataFolder(tmp_path)
    failures: list[BaseException] = []

    class Shared(LocalBackbone):
        shared = True

    async def nobody(*_: object) -> None:
        raise AssertionError("no session ends here")

    async def oldest(*tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 7)

    async def whole() -> None:
        roles = [Role("take", Take.inputs, Take.outputs, lambda _: Take())]
        backbone = Shared(folder)
        await backbone.open(topics_of(roles))
        hooks = Hooks(lambda: None, nobody, failures.append, asyncio.Lock())
        with ThreadPoolExecutor(1) as pool:
            engine = Engine(backbone, roles, Settings(), cast=roles, pool=pool, board=Board(), hooks=hooks)
            engine.app.consumer.earliest_offsets = oldest
            await engine.start()
            while not failures:
                await asyncio.sleep(0.01)
            assert not engine.ready.is_set()
            await engine.stop()

    run_loop(whole(), lambda _: None)
    assert "in/0: the brokers have deleted records 0 to 6 before they were worked" in str(failures[0])
    folder.close()
