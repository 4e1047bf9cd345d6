"""Reports wait and are given out in order, each copied once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import FLOW
from stream.waiting import WaitingFlows

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=9)


def flows(rows: list[tuple[int, int, int]]) -> np.ndarray:
    found = np.zeros(len(rows), FLOW)
    for i, (time, flow_id, report) in enumerate(rows):
        found[i]["time"], found[i]["flow_id"], found[i]["report"] = time, flow_id, report
        found[i]["src_port"] = i  # something that must come along
    return found


def key(row: np.void) -> tuple[int, int, int]:
    return int(row["time"]), int(row["flow_id"]), int(row["report"])


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4), st.integers(0, 7), st.integers(0, 5), st.integers(1, 5))
def test_what_is_ready_comes_in_order_and_the_rest_waits(
    pieces: list[list[tuple[int, int, int]]], time: int, flow_id: int, most: int
) -> None:
    waiting = WaitingFlows()
    for piece in pieces:
        assert waiting.add(flows(piece), 0)
    every = [row for piece in pieces for row in flows(piece)]
    ready = [
        r for r in every if r["time"] < time or (flow_id and r["time"] == time and r["flow_id"] < flow_id)
    ]
    found = [part.copy() for part in waiting.release((time, flow_id), most)]
    assert all(0 < len(part) <= most for part in found)
    given = [row for part in found for row in part]
    assert [key(row) for row in given] == sorted(key(row) for row in ready)
    left = list(waiting.rows())
    assert sorted(row.tolist() for row in [*given, *left]) == sorted(row.tolist() for row in every)
    rest = [row for part in waiting.release(None, most) for row in part.copy()]
    assert [key(row) for row in rest] == sorted(key(row) for row in left)
    assert len(waiting.rows()) == 0


def test_what_comes_too_late_is_not_taken() -> None:
    waiting = WaitingFlows()
    assert not waiting.add(flows([(3, 1, 0), (2, 1, 0)]), 3)
    assert len(waiting.rows()) == 0


def test_what_somebody_still_looks_at_is_not_written_over() -> None:
    """Whoever keeps what was given keeps it as it was; else its room is used again."""
    waiting = WaitingFlows()
    waiting.add(flows([(n, 9 - n % 3, 0) for n in range(12)][::-1]), 0)
    kept = list(waiting.release(None, 3))
    assert [int(row["time"]) for part in kept for row in part] == list(range(12))
    rooms = set()
    for n in range(6):
        waiting.add(flows([(2 * n + 1, 1, 0), (2 * n, 1, 0)]), 0)
        for part in waiting.release(None, 8):
            rooms.add(part.ctypes.data)
    assert [int(row["time"]) for part in kept for row in part] == list(range(12))
    assert len(rooms) <= 3
