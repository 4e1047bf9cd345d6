"""Sketches against what they estimate, counted out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.portals import sketches


def truly(one: str, other: str) -> float:
    a, b = (
        {text[i : i + sketches.LETTERS] for i in range(len(text) - sketches.LETTERS + 1)}
        for text in (one, other)
    )
    return len(a & b) / len(a | b)


@pytest.mark.parametrize("changed", [0, 30, 300, 1500, 3000])
def test_the_estimate_is_within_four_standard_errors(changed: int) -> None:
    rng = random.Random(changed)
    one = [chr(0x4E00 + rng.randrange(5000)) for _ in range(3000)]
    other = one[:]
    for i in rng.sample(range(3000), changed):
        other[i] = chr(0x4E00 + rng.randrange(5000))
    text, new = "".join(one), "".join(other)
    found = sketches.common(sketches.of_text(text), sketches.of_text(new))
    assert abs(found - truly(text, new)) <= 4 * 0.5 / sketches.KEPT**0.5


def test_blanks_digits_and_forms_do_not_count() -> None:
    assert sketches.of_text("今天 是 2026 年") == sketches.of_text("今天是１９９９年")
    assert sketches.of_text("") == ()
    assert sketches.common((), ()) == 1.0
    assert sketches.common((), (1,)) == 0.0
    assert sketches.of_tags(["div", "p", "p", "a"]) != sketches.of_tags(["div", "a", "p", "p"])


@settings(max_examples=30)
@given(st.text(max_size=200))
def test_any_text_has_a_sketch_that_is_its_own(text: str) -> None:
    sketch = sketches.of_text(text)
    assert list(sketch) == sorted(set(sketch))
    assert sketches.common(sketch, sketch) == 1.0
