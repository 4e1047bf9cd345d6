from __future__ import annotations

import gc

from citywall.garbage import THRESHOLDS, collect_seldom


def test_garbage_is_looked_for_seldom_but_looked_for():
    before = gc.get_threshold()
    try:
        collect_seldom()
        assert gc.get_threshold() == THRESHOLDS
        assert gc.isenabled()
        assert THRESHOLDS[0] > before[0] > 0
    finally:
        gc.set_threshold(*before)
