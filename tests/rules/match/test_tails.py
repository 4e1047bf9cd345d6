from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.match import tails
from rules.match.carry import FLOW
from rules.match.columns.kernels import TAIL_AT, TAIL_LOOKED, TAIL_OFFSET, TAIL_SIZE
from rules.match.tails import Tails, of_flows

#: What is kept of sides of five flows at once, or else the flows that go.
KEPT = st.dictionaries(
    st.integers(0, 9), st.tuples(st.binary(max_size=9), st.integers(0, 9), st.integers(0, 9)), max_size=6
)
STEPS = st.lists(st.one_of(KEPT, st.sets(st.integers(0, 4), max_size=2)), max_size=12)
#: In which row of the live flows a flow of the scene is.
AT = np.array([3, 0, 6, 1, 4])


def told(kept: Tails, flows: np.ndarray) -> dict[int, tuple[bytes, int, int]]:
    return {
        side: (
            kept.room[row[TAIL_AT] : row[TAIL_AT] + row[TAIL_SIZE]].tobytes(),
            int(row[TAIL_LOOKED]),
            int(row[TAIL_OFFSET]),
        )
        for side, row in enumerate(of_flows(flows, AT))
        if row[TAIL_SIZE]
    }


@given(STEPS, st.integers(9, 40))
def test_what_is_kept_is_what_a_dictionary_keeps_that_forgets_the_oldest(steps, most):
    kept, flows = Tails(most), np.zeros(7, FLOW)
    expected: OrderedDict[int, tuple[bytes, int, int]] = OrderedDict()
    forgotten = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tails, "_LEAST", 1)  # so that room runs out and ends are moved
        for step in steps:
            if isinstance(step, set):
                kept.let_go(flows, AT[sorted(step)])
                expected = OrderedDict((k, v) for k, v in expected.items() if k // 2 not in step)
            else:
                sides = sorted(step)
                ends = np.cumsum([len(step[side][0]) for side in sides], dtype=np.int64)
                spans = np.array(
                    [
                        (end - len(step[s][0]), end, *step[s][1:])
                        for s, end in zip(sides, ends.tolist(), strict=True)
                    ],
                    np.int64,
                ).reshape(-1, 4)
                data = np.frombuffer(b"".join(step[side][0] for side in sides), np.uint8)
                kept.keep(flows, AT, np.array(sides, np.int64), spans, data)
                for side in sides:
                    expected.pop(side, None)
                    if step[side][0]:
                        expected[side] = step[side]
                while sum(len(data) for data, *_ in expected.values()) > most:
                    expected.popitem(last=False)
                    forgotten += 1
            assert told(kept, flows) == expected
            assert kept.held == sum(len(data) for data, *_ in expected.values())
            assert kept.forgotten == forgotten
    assert not flows["tail"][[2, 5]].any()
