from __future__ import annotations

import numpy as np

from citywall.scratch import Scratch


def test_memory_is_used_again_and_grows():
    scratch = Scratch(np.int64)
    first = scratch.take(4)
    first[:] = 7
    again = scratch.take(3)
    assert np.shares_memory(first, again)
    assert again.tolist() == [7, 7, 7]
    longer = scratch.take(100, keep=4)
    assert longer[:4].tolist() == [7] * 4
    assert len(longer) == 100
    assert np.shares_memory(scratch.take(60), longer)
