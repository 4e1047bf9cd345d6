"""A collector as a source: references as they come, those of before first."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from citywall.settings import load
from stream.collecting import Collecting, collector_of
from tests.exporters import five, flow

SETTINGS = load(environment={}, assignments=["collector.listen=127.0.0.1:0"])


def test_names():
    assert collector_of(Path("collector:edge")) == "edge"
    assert collector_of(Path("sensor:edge")) == ""


async def _collect(folder: Path) -> list[int]:
    collecting = Collecting(SETTINGS, folder, "s")
    packets = []

    async def send() -> None:
        while not collecting.ports:
            await asyncio.sleep(0.01)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(five(flow("10.0.0.1", "10.0.0.2", 1, 2)), ("127.0.0.1", collecting.ports[0]))
        assert collecting.stop()
        assert not collecting.stop()

    sending = asyncio.ensure_future(send())
    async for ref in collecting.references():
        packets.append(ref.packets)  # noqa: PERF401
    await sending
    return packets


def test_it_ends_when_told_and_tells_again_when_begun_again(tmp_path):
    assert asyncio.run(_collect(tmp_path)) == [1]
    assert asyncio.run(_collect(tmp_path)) == [1, 1]
