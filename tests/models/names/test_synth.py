"""Names made here: the same for a seed, and of the form that they should have."""

from __future__ import annotations

import re

import pytest

from models.names import synth


@pytest.mark.parametrize(
    "make", [synth.benign, synth.pinyin_names, lambda n, s: synth.malicious("short", n, s)]
)
def test_the_same_for_a_seed(make):
    assert make(50, 1) == make(50, 1)
    assert make(50, 1) != make(50, 2)
    for name in make(300, 3):
        assert re.fullmatch(r"[a-z0-9-]{1,63}(\.[a-z]+){1,2}", name), name


@pytest.mark.parametrize("family", list(synth.FAMILIES))
def test_families(family):
    names = synth.malicious(family, 200, 1)
    assert len(set(names)) > 190
    shapes = {"fixed": r"[a-z]{12}\..*", "hexadecimal": r"[0-9a-f]{16}\..*", "base36": r"[0-9a-z]{26}\..*",
              "short": r"[a-z]{6,11}\..*"}  # fmt: skip
    assert all(re.fullmatch(shapes.get(family, ".*"), name) for name in names)
    assert synth.hashed(names) == synth.hashed(list(names))
