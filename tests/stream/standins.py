"""Small stages in place of the real ones: they number, sum and keep, so that a message lost, doubled or
out of order changes the result. Run as a script, this runs captures through them.
"""

from __future__ import annotations

import sqlite3
import struct
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from citywall.settings import CheckpointSettings, Settings
from citywall.state import Parts, bytes_of
from ingest.capture import BlockRef
from stream import codecs
from stream.assembly import Assembly
from stream.codecs import Kind, Tally
from stream.runner import run_paths
from stream.stages import FINISHED, Message, Output, Role, Station


class Numbers:
    """The frames of each block, as numbers; to two topics."""

    name = "numbers"
    inputs: tuple[str, ...] = ("capture",)
    outputs: tuple[str, ...] = ("odd", "even")

    def __init__(self, delay: float = 0) -> None:
        self.delay = delay
        self.totals = {"packets": 0}
        self.tallies: dict[str, Tally] = {}
        self.waiting: dict[str, list[int]] = {}

    def receive(self, message: Message) -> Iterable[Output]:
        session = message.header.session
        if message.header.kind is Kind.OPEN:
            self.tallies[session] = Tally()
            for topic in self.outputs:
                yield Output(topic, session, Kind.OPEN, bytes(message.body))
        elif message.header.kind is Kind.DATA:
            time.sleep(self.delay)
            ref = codecs.unpack(message.body, BlockRef)
            if ref.errors:
                raise ValueError(f"stand-in for a bad block: {ref.errors}")
            self.waiting.setdefault(session, []).extend(range(ref.first_frame, ref.first_frame + ref.packets))
            self.tallies[session].packets += ref.packets
            self.totals["packets"] += ref.packets
        else:
            yield from self.flush()
            self.tallies[session].add(codecs.unpack(message.body, Tally))
            for topic in self.outputs:
                yield Output(topic, session, Kind.END, codecs.pack(self.tallies[session]))
            del self.tallies[session]

    def flush(self) -> Iterable[Output]:
        for session, numbers in self.waiting.items():
            for topic, rest in (("odd", 1), ("even", 0)):
                some = [n for n in numbers if n % 2 == rest]
                yield Output(topic, session, Kind.DATA, codecs.pack(some), len(some))
        self.waiting = {}

    def snapshot(self) -> Parts:
        assert not self.waiting
        return {"tallies": codecs.pack(self.tallies), "totals": codecs.pack(self.totals)}

    def restore(self, parts: Parts) -> None:
        self.tallies = codecs.unpack(bytes_of(parts, "tallies"), dict[str, Tally])
        self.totals = codecs.unpack(bytes_of(parts, "totals"), dict[str, int])


class Sum(msgspec.Struct):
    """Running sums of a session by topic."""

    sums: dict[str, int]
    ended: int = 0
    tally: Tally | None = None


class Sums:
    """Each number of either topic with the sum of its topic so far."""

    name = "sums"
    inputs: tuple[str, ...] = ("odd", "even")
    outputs: tuple[str, ...] = ("sums",)

    def __init__(self, delay: float = 0) -> None:
        self.delay = delay
        self.totals: dict[str, int] = {}
        self.sessions: dict[str, Sum] = {}
        self.waiting: dict[str, list[tuple[int, int]]] = {}

    def receive(self, message: Message) -> Iterable[Output]:
        session, topic = message.header.session, message.topic
        if message.header.kind is Kind.OPEN:
            if session not in self.sessions:
                self.sessions[session] = Sum({"odd": 0, "even": 0})
                yield Output("sums", session, Kind.OPEN, bytes(message.body))
        elif message.header.kind is Kind.DATA:
            time.sleep(self.delay)
            for n in codecs.unpack(message.body, list[int])[message.skip :]:
                self.sessions[session].sums[topic] += n
                self.waiting.setdefault(session, []).append((n, self.sessions[session].sums[topic]))
        else:
            state = self.sessions[session]
            state.ended += 1
            state.tally = codecs.unpack(message.body, Tally)
            if state.ended == len(self.inputs):
                yield from self.flush()
                yield Output("sums", session, Kind.END, codecs.pack(state.tally))
                del self.sessions[session]

    def flush(self) -> Iterable[Output]:
        # Like detect: what comes out is in one order only within what was flushed together, so the items of
        # the two topics go out under separate sessions of their own order.
        waiting, self.waiting = self.waiting, {}
        for session, pairs in waiting.items():
            yield Output("sums", session, Kind.DATA, codecs.pack(pairs), 0)

    def snapshot(self) -> Parts:
        return {"sessions": codecs.pack(self.sessions)}

    def restore(self, parts: Parts) -> None:
        self.sessions = codecs.unpack(bytes_of(parts, "sessions"), dict[str, Sum])


class Keep:
    """Keeps every pair in a database, and the count and sum of what first came of each."""

    name = "keep"
    inputs: tuple[str, ...] = ("sums",)
    outputs: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.totals = {"alerts": 0}
        self.base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.base.execute(
            "create table if not exists kept"
            " (session text, n integer, sum integer, primary key (session, n, sum))"
        )

    def receive(self, message: Message) -> Iterable[Output]:
        session = message.header.session
        if message.header.kind is Kind.DATA:
            pairs = codecs.unpack(message.body, list[tuple[int, int]])
            self.base.execute("begin")
            self.base.executemany(
                "insert or ignore into kept values (?, ?, ?)", [(session, n, s) for n, s in pairs]
            )
            self.base.execute("commit")
            self.totals["alerts"] += len(pairs)
        elif message.header.kind is Kind.END:
            yield Output(FINISHED, session, Kind.END, bytes(message.body))

    def flush(self) -> Iterable[Output]:
        return ()

    def snapshot(self) -> Parts:
        return {"totals": codecs.pack(self.totals)}

    def restore(self, parts: Parts) -> None:
        self.totals = codecs.unpack(bytes_of(parts, "totals"), dict[str, int])

    def kept(self) -> list[tuple[str, int, int]]:
        return self.base.execute("select session, n, sum from kept order by 1, 2, 3").fetchall()


def expected(session: str, packets: int) -> list[tuple[str, int, int]]:
    """What `Keep` must hold of a capture of so many packets: each number once, with one sum."""
    sums, rows = {0: 0, 1: 0}, []
    for n in range(1, packets + 1):
        sums[n % 2] += n
        rows.append((session, n, sums[n % 2]))
    return rows


def role(stage) -> Role:
    """The role of a stage that is there: it is handed out as it is, so for one run and one partition."""
    return Role(stage.name, stage.inputs, stage.outputs, lambda _: stage)


def stations(base: Path, delay: float = 0) -> list[Station]:
    return [Station(Numbers(delay)), Station(Sums(delay)), Station(Keep(base))]


def assembler(delay: float = 0):
    def assemble(settings: Settings, data: Path, now: int) -> Assembly:
        keep = Keep(data / "kept.db")
        roles = [
            Role("numbers", Numbers.inputs, Numbers.outputs, lambda _: Numbers(delay)),
            Role("sums", Sums.inputs, Sums.outputs, lambda _: Sums(delay)),
            Role("keep", Keep.inputs, Keep.outputs, lambda _: keep, pinned=True),
        ]
        return Assembly(roles, frozenset({"keep"}), release=keep.base.close)

    return assemble


def capture(path: Path, packets: int, seed: int = 0) -> Path:
    """A pcap of so many packets of 60 bytes."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    one = [struct.pack("<IIII", 1_700_000_000 + i, seed, 60, 60) + bytes(60) for i in range(packets)]
    path.write_bytes(head + b"".join(one))
    return path


def settings(interval_s: float = 0.05, block_bytes: int = 4096) -> Settings:
    plain = Settings()
    return msgspec.structs.replace(
        plain,
        checkpoint=CheckpointSettings(interval_s, 1.0),
        capture=msgspec.structs.replace(plain.capture, block_bytes=block_bytes),
    )


if __name__ == "__main__":
    report = run_paths(
        [Path(p) for p in sys.argv[3:]], Path(sys.argv[1]), settings(), assemble=assembler(float(sys.argv[2]))
    )
    print(msgspec.json.encode(report).decode())
