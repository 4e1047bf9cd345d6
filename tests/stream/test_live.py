"""What a live sensor refuses; that it feeds a run is tested in `end_to_end/test_live`."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any, ClassVar

import pytest

from citywall.errors import InputError, SettingsError, StreamError
from citywall.settings import load
from drills import packets
from ingest.decode.blocks import InlineBlock
from stream import codecs, live
from stream.codecs import Kind, Opening
from stream.kafka.cards import card_of
from stream.live import Bounds, sense


def test_it_needs_a_cluster_and_an_interface():
    here = load(None, {}, [])
    away = load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0"])
    with pytest.raises(SettingsError, match=r"a sensor needs kafka://HOST:PORT"):
        sense(here, ["lo"], "gate")
    with pytest.raises(InputError, match=r"cwnone: (there is no such interface|capturing needs)"):
        sense(away, ["lo", "cwnone"], "gate")


def test_no_broker_is_said_clearly(wire):
    away = load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0"])
    with pytest.raises(StreamError, match="no broker answers"):
        sense(away, [wire.interface], "gate", Bounds(seconds=1))


class Brokers:
    """Stands for a run's topics: who says what, and every word of the control topic back to who listens."""

    said: ClassVar[list[tuple[codecs.Header, Any]]]
    words: ClassVar[list[tuple[str, str]]]

    def __init__(self, *_: Any) -> None: ...

    async def attach(self) -> None: ...

    async def arrived(self) -> None: ...

    async def close(self) -> None: ...

    async def sense(self, name: str, session: str) -> None:
        self.words.append((name, session))

    async def listen(self, _note: Any, _finished: Any, sensed: Any) -> None:
        told = 0
        while True:
            for word in self.words[told:]:
                sensed(*word)
            told = len(self.words)
            await asyncio.sleep(0.01)

    async def send(self, _topic: str, message: bytes, _partitions: int) -> None:
        header, body = codecs.decode(message)
        kinds: dict[Kind, Any] = {Kind.OPEN: Opening, Kind.DATA: InlineBlock}
        self.said.append((header, codecs.unpack(body, kinds[header.kind]) if header.kind in kinds else None))


async def _never(*_: Any) -> None:
    await asyncio.Event().wait()


def test_several_interfaces_are_several_sessions_of_one_sensor(wires, tmp_path, monkeypatch):
    """Each with its own filter and network domain; what is kept of both is one budget."""
    Brokers.said, Brokers.words = [], []
    with closing(wires.Wire()) as one, closing(wires.Wire()) as two:
        settings = load(None, {}, [
            "transport=kafka://127.0.0.1:9", f"sensor.evidence={tmp_path / 'kept'}",
            'domains.names=["police"]',
            f"sensor.interfaces.{one.interface}.domain=police",
            f"sensor.interfaces.{two.interface}.filter=udp",
        ])  # fmt: skip

        async def waiting(*_: Any) -> Any:
            return card_of("r", settings, ("gate",))

        for name, double in (("KafkaBackbone", Brokers), ("waiting", waiting), ("follow", _never)):
            monkeypatch.setattr(live, name, double)
        frames = [
            (i * 10**6, frame)
            for i in range(200)
            for frame in (
                packets.udp_frame("10.0.0.5", "10.0.0.6", 1000 + i, 53, b"x"),
                packets.tcp_frame("10.0.0.5", "10.0.0.6", 1000 + i, 53),
            )
        ]
        packets.write_pcap(tmp_path / "sent.pcap", frames)
        sending = [wire.sending(tmp_path / "sent.pcap", times=10_000) for wire in (one, two)]
        try:
            sent = sense(settings, [one.interface, two.interface], "gate", Bounds(60, 300))
        finally:
            for process in sending:
                process.kill()
                process.wait()
    assert [(each.interface, each.packets, each.unsent) for each in sent] == [
        (one.interface, 300, 0), (two.interface, 300, 0),
    ]  # fmt: skip
    assert sorted(Brokers.words) == sorted((f"gate/{e.interface}", e.session) for e in sent)
    opened = {h.session: body.session for h, body in Brokers.said if h.kind is Kind.OPEN}
    assert [opened[each.session].vlans for each in sent] == [{"0": "police"}, {}]
    ended = [header.session for header, _ in Brokers.said if header.kind is Kind.END]
    assert sorted(ended) == sorted(each.session for each in sent)
    for wire, protocols in ((one, {6, 17}), (two, {17})):
        [path] = (tmp_path / "kept").glob(f"gate-{wire.interface}-*.pcap")
        kept = [data for _, data, _ in wires.records(path.read_bytes())]
        assert (len(kept), {data[23] for data in kept}) == (300, protocols)
