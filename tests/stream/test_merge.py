from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import EVENT, FLOW
from citywall.errors import StreamError
from citywall.watermarks import END_OF_TIME
from stream.merge import EVENTS, FLOWS, Merge


def flows(*rows: tuple[int, int, int]) -> np.ndarray:
    found = np.zeros(len(rows), FLOW)
    for i, (time, flow_id, report) in enumerate(rows):
        found[i]["time"], found[i]["flow_id"], found[i]["report"] = time, flow_id, report
    return found


def events(*times: int) -> np.ndarray:
    found = np.zeros(len(times), EVENT)
    found["time"] = times
    found["frame"] = np.arange(len(times)) + 1
    return found


def released(merge: Merge, most: int = 1 << 16) -> tuple[list[tuple[int, int, int]], list[int]]:
    reports: list[tuple[int, int, int]] = []
    happened: list[int] = []
    for some, more in merge.release(most):
        reports += [(int(r["time"]), int(r["flow_id"]), int(r["report"])) for r in some]
        happened += more["time"].tolist()
    return reports, happened


def test_nothing_is_released_before_every_input_promised():
    merge = Merge([(FLOWS, 0), (FLOWS, 1), (EVENTS, 0)])
    merge.add(FLOWS, 0, flows((1, 1, 0), (5, 1, 1)), 5)
    merge.add(EVENTS, 0, events(0, 9), 9)
    assert released(merge) == ([], [])
    merge.add(FLOWS, 1, flows((4, 2, 0)), 5)
    assert merge.frontier == 5
    assert released(merge) == ([(1, 1, 0), (4, 2, 0)], [0])  # those at 5 may get company
    merge.close(FLOWS, 1)
    merge.close(FLOWS, 0)
    assert released(merge) == ([(5, 1, 1)], [])
    merge.close(EVENTS, 0)
    assert merge.done
    assert released(merge) == ([], [9])


def test_a_promise_can_name_the_flow_that_follows():
    merge = Merge([(FLOWS, 0), (FLOWS, 1), (EVENTS, 0)])
    merge.close(EVENTS, 0)
    merge.add(FLOWS, 0, flows((5, 1, 0), (5, 3, 0), (5, 8, 0)), 5, 8)
    merge.add(FLOWS, 1, flows((5, 2, 0), (5, 6, 0)), 5, 6)
    assert released(merge)[0] == [(5, 1, 0), (5, 2, 0), (5, 3, 0)]
    merge.close(FLOWS, 1)
    assert released(merge)[0] == [(5, 6, 0)]
    again = Merge([(FLOWS, 0), (FLOWS, 1), (EVENTS, 0)])
    again.restore(merge.snapshot())
    again.close(FLOWS, 0)
    assert released(again)[0] == [(5, 8, 0)]


def test_a_broken_promise_is_an_error():
    merge = Merge([(FLOWS, 0), (EVENTS, 0)])
    merge.add(FLOWS, 0, flows((5, 1, 0)), 7)
    with pytest.raises(StreamError, match="behind their own watermark"):
        merge.add(FLOWS, 0, flows((6, 1, 1)), 9)


def test_a_promise_of_flows_holds_for_events_once_those_before_it_are_here():
    merge = Merge([(FLOWS, 0), (EVENTS, 0)])
    merge.add(FLOWS, 0, flows((1, 1, 0)), 3)
    merge.speak(0, 0, 3)  # no event was before
    assert released(merge) == ([(1, 1, 0)], [])
    merge.add(FLOWS, 0, flows((4, 1, 1)), 6)
    merge.speak(0, 2, 6)
    merge.add(FLOWS, 0, flows(), 7)
    merge.speak(0, 3, 7)
    merge.add(EVENTS, 0, events(4), 3)
    merge.came(0, 1)
    assert (released(merge), merge.frontier) == (([], []), 3)
    again = Merge([])
    again.restore(merge.snapshot())
    again.add(EVENTS, 0, events(5), 3)
    again.came(0, 2)
    assert (released(again), again.frontier) == (([(4, 1, 1)], [4, 5]), 6)
    again.came(0, 3)  # one that could not be read
    assert (released(again), again.frontier) == (([], []), 7)
    with pytest.raises(StreamError, match="behind their own watermark"):
        again.add(EVENTS, 0, events(6), 7)


rows_of_a_partition = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(0, 3)), max_size=8
).map(lambda rows: sorted(rows, key=lambda r: r[0]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(rows_of_a_partition, min_size=1, max_size=3), st.lists(st.integers(0, 8), max_size=4), st.data()
)
def test_any_split_gives_the_same_order(partitions, times, data):
    """However the rows are cut, however the inputs interleave, whatever is saved between."""
    inputs = [(FLOWS, p) for p in range(len(partitions))] + [(EVENTS, 0)]
    waiting = {(FLOWS, p): flows(*rows) for p, rows in enumerate(partitions)}
    waiting[EVENTS, 0] = events(*sorted(times))
    merge = Merge(inputs)
    out: tuple[list[tuple[int, int, int]], list[int]] = ([], [])
    open_inputs = list(inputs)
    while open_inputs:
        topic, partition = data.draw(st.sampled_from(open_inputs))
        rows = waiting[topic, partition]
        cut = data.draw(st.integers(min(1, len(rows)), len(rows)))
        if cut < len(rows):
            rest = rows[cut:]
            merge.add(topic, partition, rows[:cut], int(rest["time"][0]) if len(rest) else 8)
            waiting[topic, partition] = rest
        else:
            merge.add(topic, partition, rows, END_OF_TIME - 1)
            merge.close(topic, partition)
            open_inputs.remove((topic, partition))
        if data.draw(st.booleans()):
            some = released(merge, data.draw(st.integers(1, 4)))
            out[0].extend(some[0])
            out[1].extend(some[1])
        if data.draw(st.booleans()):
            parts = merge.snapshot()
            merge = Merge([(FLOWS, 0)])
            merge.restore(parts)
    some = released(merge)
    out[0].extend(some[0])
    out[1].extend(some[1])
    assert out[0] == sorted(r for rows in partitions for r in rows)
    assert out[1] == sorted(times)


def test_pieces_of_a_release_keep_events_with_their_time():
    merge = Merge([(FLOWS, 0), (EVENTS, 0)])
    merge.add(FLOWS, 0, flows(*((t, 1, t) for t in range(6))), 6)
    merge.add(EVENTS, 0, events(0, 1, 4, 5), 6)
    pieces = [(r["time"].tolist(), e["time"].tolist()) for r, e in merge.release(2)]
    assert pieces == [([0, 1], [0, 1]), ([2, 3], []), ([4, 5], [4, 5])]
