from __future__ import annotations

import logging
import threading
import time

import pytest

from ingest.decode.blocks import BlockRef, InlineBlock, Section
from stream.outbox import BESIDE, Outbox

SECTION = Section("pcap", big_endian=False, interfaces=())


def block(index: int, size: int = 1000, packets: int = 2, **errors: int) -> InlineBlock:
    ref = BlockRef("s", "p", index, 24, size, packets, 1, 0, index, SECTION, errors=errors)
    return InlineBlock(ref, bytes(size))


def test_blocks_come_out_in_order():
    woken = []
    box = Outbox(1 << 20, lambda: woken.append(1))
    assert box.take() is None
    for i in range(3):
        assert box.put(block(i))
    assert [box.take().block.index for _ in range(3)] == [0, 1, 2]
    assert box.take() is None
    assert not box.finished
    box.finish()
    assert box.finished
    assert len(woken) == 4


def test_the_time_is_told_only_where_nothing_waits():
    box = Outbox(1 << 20, lambda: None)
    for each in (block(0, 0, 0), block(1, 0, 0), block(2), block(3, 0, 0), block(4, 0, 0, packets_dropped=1)):
        assert box.put(each)
    assert [box.take().block.index for _ in range(3)] == [0, 2, 4]
    assert box.take() is None


def test_a_full_one_is_waited_for_and_says_so(caplog: pytest.LogCaptureFixture):
    box = Outbox(4 * (1000 + BESIDE), lambda: None)
    put: list[int] = []

    def fill() -> None:
        for i in range(10):
            if not box.put(block(i)):
                return
            put.append(i)

    with caplog.at_level(logging.WARNING):
        filling = threading.Thread(target=fill)
        filling.start()
        deadline = time.monotonic() + 10
        while len(put) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)
        assert put == [0, 1, 2, 3]  # no more
        taken = []
        while len(taken) < 10:
            if (found := box.take()) is not None:
                taken.append(found.block.index)
        filling.join(10)
    assert taken == put == list(range(10))
    assert "the buffer is full (sensor.buffer_mib)" in caplog.text


def test_one_larger_than_all_the_room_still_passes():
    box = Outbox(10, lambda: None)
    assert box.put(block(0))
    assert box.take().block.index == 0


def test_closing_lets_go_of_who_waits():
    box = Outbox(10, lambda: None)
    assert box.put(block(0))
    refused: list[bool] = []
    waiting = threading.Thread(target=lambda: refused.append(box.put(block(1))))
    waiting.start()
    box.close()
    assert box.take() is None
    waiting.join(10)
    assert refused == [False]
    assert not box.put(block(2))
