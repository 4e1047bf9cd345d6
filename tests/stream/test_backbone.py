from __future__ import annotations

import asyncio
from pathlib import Path

from stream import checkpoints, codecs
from stream.app import GROUP, log_of
from stream.backbone import LocalBackbone
from stream.checkpoints import FolderKeeper
from stream.codecs import Header, Kind
from stream.data_folder import DataFolder
from stream.local.folder import LogFolder
from stream.stages import FINISHED, Output, Station


def test_the_embedded_log_has_every_topic_before_anything_starts(tmp_path: Path):
    folder = DataFolder(tmp_path)
    backbone = LocalBackbone(folder)

    async def work() -> None:
        await backbone.close()  # before it was opened
        await backbone.open({"a": 1, "b": 3})
        app = backbone.app(asyncio.get_running_loop())
        assert log_of(app).topics == {"a": 1, "b": 3}
        await backbone.close()

    asyncio.run(work())
    assert not backbone.shared
    assert backbone.full("a") == "a"
    assert isinstance(backbone.keeper, FolderKeeper)
    assert backbone.keeper.folder == folder.checkpoints
    folder.close()


class Hears:
    """Keeps what it hears."""

    name, inputs, outputs = "detect", ("flows",), ()

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.heard: list[bytes] = []

    def receive(self, message):
        if message.header.kind is Kind.DATA:
            self.heard += codecs.unpack(message.body, list[bytes])[message.skip :]
        elif message.header.kind is Kind.END:
            yield Output(FINISHED, message.header.session, Kind.END, codecs.pack(codecs.Tally()))

    def flush(self):
        return ()

    def snapshot(self):
        return {"heard": codecs.pack(self.heard)}

    def restore(self, parts):
        self.heard = codecs.unpack(parts["heard"], list[bytes])


def said(kind: Kind, seq: int = 0, *items: bytes) -> bytes:
    header = Header("s", "capture", 0, kind, seq, len(items), 0, codecs.schema_digest())
    return codecs.encode(header, codecs.pack(list(items)))


def test_killed_between_a_checkpoint_and_its_commit_a_reader_hears_all_that_is_said_again(tmp_path: Path):
    """What is handed over in memory has numbers that a successor gives to other messages."""
    root, flows = tmp_path / "log", ("flows", 0)
    log = LogFolder(root)
    log.create("flows")
    log.hold(["flows"])
    first = [said(Kind.OPEN), said(Kind.DATA, 0, b"a"), said(Kind.DATA, 1, b"b"), said(Kind.DATA, 2, b"c")]
    station = Station(Hears())
    list(station.work([(*flows, log.append("flows", 0, None, m, 0.0), m) for m in first]))
    log.logs[flows].release(4)
    checkpoints.save(tmp_path / "checkpoints", "detect", 0, station.offsets, station.snapshot())
    log.close()  # nothing was committed, and none of it stands in the log

    folder = DataFolder(tmp_path)
    backbone = LocalBackbone(folder)

    async def again() -> list[bytes]:
        await backbone.open({"flows": 1})
        log = log_of(backbone.app(asyncio.get_running_loop()))
        assert log.committed(GROUP, *flows) == log.logs[flows].end == 4
        stage = Hears()
        successor = Station(stage)
        offsets, parts = checkpoints.load(folder.checkpoints, "detect", 0) or ({}, {})
        successor.restore(parts, offsets)
        # The same items in fewer messages, and the end of the session.
        messages = [said(Kind.OPEN), said(Kind.DATA, 0, b"a", b"b", b"c", b"d"), said(Kind.END, 4)]
        list(successor.work([(*flows, log.append("flows", 0, None, m, 0.0), m) for m in messages]))
        assert successor.ended
        await backbone.close()
        return stage.heard

    assert asyncio.run(again()) == [b"a", b"b", b"c", b"d"]
    folder.close()
