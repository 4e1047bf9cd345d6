"""Sets of networks."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.addresses import to_words
from detectors.prefixes import Prefixes

NETWORKS = ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "fe80::1")
INSIDE = ("10.255.0.1", "192.0.2.7", "2001:db8:ffff::9", "fe80::1")
OUTSIDE = ("11.0.0.1", "192.0.2.8", "2001:db9::1", "fe80::2", "::a00:1")


def test_one_and_many_agree():
    prefixes = Prefixes(NETWORKS)
    assert prefixes
    words = np.array([to_words(a) for a in INSIDE + OUTSIDE], "u8")
    expected = [True] * len(INSIDE) + [False] * len(OUTSIDE)
    assert prefixes.hold(words[:, 0], words[:, 1]).tolist() == expected
    assert [prefixes.holds(a) for a in INSIDE + OUTSIDE] == expected


def test_words_are_base_and_mask():
    kept, one = Prefixes(("10.0.0.0/8", "2001:db8::1")).words.tolist()
    assert kept == [0, 0xFFFF_0A00_0000, (1 << 64) - 1, 0xFFFF_FFFF_FF00_0000]
    assert one == [*to_words("2001:db8::1"), (1 << 64) - 1, (1 << 64) - 1]
    assert Prefixes(()).words.shape == (0, 4)


def test_none_holds_nothing_and_nonsense_is_refused():
    assert not Prefixes(())
    assert not Prefixes(()).holds("10.0.0.1")
    assert not Prefixes(()).hold(np.zeros(2, "u8"), np.zeros(2, "u8")).any()
    with pytest.raises(ValueError, match=r"10\.0"):
        Prefixes(["10.0"])
