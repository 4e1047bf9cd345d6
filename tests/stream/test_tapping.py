from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from citywall.errors import InputError, SettingsError
from citywall.sessions import LIVE
from citywall.settings import Settings, load
from ingest.decode.blocks import BlockRef, InlineBlock, Interface, Section
from stream import codecs, tapping
from stream.codecs import Kind, Tally
from stream.positions import Positions
from stream.tapping import CUT_OFF, UNREADABLE, Tap, end_earlier, new_session


class Captured:
    """Stands for an interface: two blocks, then nothing until told to halt, or a failure."""

    fails = False

    def __init__(self, interface: str, settings: Any, *, path: str, session: str) -> None:
        self.path, self.session = path, session

    def blocks(self, halt: threading.Event) -> Iterator[InlineBlock]:
        for i in range(2):
            ref = BlockRef(
                self.session, self.path, 7 + i, 24, 4, 1, i + 1, 0, 1000,
                Section("pcap", big_endian=False, interfaces=(Interface(1),)),
            )  # fmt: skip
            yield InlineBlock(ref, b"abcd")
        if self.fails:
            raise InputError("eth9", "the ring is broken")
        halt.wait(10)

    def close(self) -> None: ...


def tapped(stop_after: int = 3) -> list[tuple[Kind, int, Any]]:
    """What a tap says until it was told to stop."""
    said: list[tuple[Kind, int, Any]] = []

    async def run() -> None:
        stop = asyncio.Event()

        async def send(topic: str, message: bytes) -> None:
            assert topic == "capture"
            header, body = codecs.decode(message)
            types: dict[Kind, Any] = {Kind.OPEN: codecs.Opening, Kind.DATA: InlineBlock, Kind.END: Tally}
            said.append((header.kind, header.seq, codecs.unpack(body, types[header.kind])))
            if len(said) == stop_after:
                stop.set()

        session = new_session("interface:eth9", Settings(), 5)
        tap = Tap(
            "eth9", Settings(), session, taken=lambda *_: 0, send=send, moved=stop.wait, stop=stop,
            loop=asyncio.get_running_loop(),
        )  # fmt: skip
        await tap.run()

    asyncio.run(run())
    return said


def test_it_opens_numbers_blocks_and_ends_when_told_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tapping, "LiveCapture", Captured)
    opened, first, second, ended = tapped()
    assert (opened[0], opened[2].session.kind, opened[2].session.path) == (Kind.OPEN, LIVE, "interface:eth9")
    assert [(m[0], m[1], m[2].block.index, m[2].data) for m in (first, second)] == [
        (Kind.DATA, 0, 0, b"abcd"), (Kind.DATA, 1, 1, b"abcd"),
    ]  # fmt: skip
    assert (ended[0], ended[1], ended[2].errors) == (Kind.END, 2, {})


def test_an_interface_that_fails_ends_its_session_and_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tapping, "LiveCapture", Captured)
    monkeypatch.setattr(Captured, "fails", True)
    assert tapped(99)[-1][2].errors == {UNREADABLE: 1}


def test_no_two_sessions_are_one():
    assert len({new_session("interface:eth9", Settings(), 5).id for _ in range(3)}) == 3


def test_the_end_of_one_that_was_killed_is_taken_wherever_it_stood():
    said: list[bytes] = []

    async def send(_: str, message: bytes) -> None:
        said.append(message)

    asyncio.run(end_earlier(send, Settings(), "5e55", "interface:eth9"))
    headers = [codecs.decode(message)[0] for message in said]
    unknown, known, over = Positions(), Positions(), Positions()
    known.admit("capture", headers[0])
    known.admit("capture", codecs.Header("5e55", "feeder", 0, Kind.DATA, 0, 1, 0, ""))
    for positions in (known, over):
        for header in headers:
            positions.admit("capture", header)
    assert [unknown.admit("capture", h) for h in headers] == [0, 0]
    assert known.taken("capture", "5e55", "feeder") == -1
    assert [over.admit("capture", h) for h in headers] == [None, None]
    assert codecs.unpack(codecs.decode(said[1])[1], Tally).errors == {CUT_OFF: 1}


def test_an_interface_is_in_a_lane_and_network_domains_of_its_own():
    settings = load(None, {}, [
        'domains.names=["police"]', "sensor.interfaces.eth1.domain=police",
        "sensor.interfaces.eth1.lane=test",
        'sensor.interfaces.eth1.vlans={"12"="police"}', "sensor.interfaces.eth2.filter=udp",
        "sensor.interfaces.eth3.domain=nowhere",
    ])  # fmt: skip
    session = new_session("interface:eth1", settings, 5, interface="eth1")
    assert (session.lane, session.vlans) == ("test", {"0": "police", "12": "police"})
    for name in ("eth2", "eth4"):
        session = new_session(f"interface:{name}", settings, 5, interface=name)
        assert (session.lane, session.vlans) == ("live", {})
    with pytest.raises(SettingsError, match=r"interfaces\.eth3: network domain 'nowhere'"):
        new_session("interface:eth3", settings, 5, interface="eth3")
