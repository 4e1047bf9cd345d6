"""Loads the stand-in stages, and a few small things to feed real ones with."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from citywall.sessions import Session
from stream import codecs
from stream.codecs import Header, Kind, Opening, Tally
from stream.stages import Message, Output, Stage


def _load() -> ModuleType:
    path = Path(__file__).parent / "standins.py"
    spec = importlib.util.spec_from_file_location("stream_standins", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def standins() -> ModuleType:
    return sys.modules.get("stream_standins") or _load()


@pytest.fixture(scope="session")
def session() -> Session:
    return Session("5e55", "capture", "/captures/one.pcap", 1000, "live", 1_714_564_800_000_000_000)


class Hand:
    """Hands messages to a stage, numbering them as a station in front would."""

    def __init__(self, stage: Stage, session: Session) -> None:
        self.stage = stage
        self.session = session
        self.seq: dict[tuple[str, int], int] = {}

    def say(
        self, kind: Kind, body: bytes, topic: str = "", count: int = 0, watermark: int = 0, skip: int = 0,
        beside: int = -1, partition: int = 0, mark: int = 0,
    ):  # fmt: skip
        topic = topic or self.stage.inputs[0]
        seq = self.seq.get((topic, partition), 0)
        self.seq[topic, partition] = seq + count
        digest = codecs.schema_digest()
        header = Header(
            self.session.id, "before", partition, kind, seq, count, watermark, digest, mark, beside
        )
        return list(self.stage.receive(Message(topic, header, memoryview(bytes(body)), skip)))

    def open(self, topic: str = "", partition: int = 0, partitions: int = 1) -> list[Output]:
        return self.say(Kind.OPEN, codecs.pack(Opening(self.session, partitions)), topic, partition=partition)

    def data(self, body: bytes, **more) -> list[Output]:
        return self.say(Kind.DATA, body, **more)

    def end(self, topic: str = "", tally: Tally | None = None, partition: int = 0) -> list[Output]:
        return self.say(Kind.END, codecs.pack(tally or Tally()), topic, partition=partition)

    def flush(self) -> list[Output]:
        return list(self.stage.flush())


@pytest.fixture(scope="session")
def hand() -> Callable[[Stage, Session], Hand]:
    return Hand


@pytest.fixture(scope="session")
def topics_of() -> Callable[[Iterable[Output]], list[tuple[str, str]]]:
    return lambda outputs: [(o.topic, o.kind.name.lower()) for o in outputs]
