"""What the kernels say of a name beside what a person would count."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.names import kernels, lexicon
from models.names.features import _SECONDS, NAMES, Lexicon, joined, keys

WORDS = ["shop", "online", "gov", "port"]


@pytest.fixture(scope="module")
def known():
    return lexicon.learn(["taiyuan.gov.cn", "onlineshop.com", "a1-b2.net"] * 3, WORDS)


def registered(name: str) -> str:
    """The label, found as one explains it."""
    parts = name.removesuffix(".").split(".")
    if len(parts) == 1:
        return parts[0][:63]
    two = len(parts) > 2 and len(parts[-1]) == 2 and parts[-2].lower() in lexicon_seconds()
    return parts[-3 if two else -2][:63]


def lexicon_seconds() -> tuple[str, ...]:
    from models.names.features import SECOND_LEVELS

    return SECOND_LEVELS


def longest_cover(label: str, words: set[str]) -> int:
    best = [0]
    for end in range(1, len(label) + 1):
        best.append(
            max([best[-1], *(best[end - n] + n for n in range(1, end + 1) if label[end - n : end] in words)])
        )
    return best[-1]


def longest(label: str, inside: str) -> int:
    return max((len(run) for run in "".join(c if c in inside else " " for c in label).split()), default=0)


def oracle(name: str, known: Lexicon) -> list[float]:
    label = registered(name).lower()
    n = len(label)
    letters = [c for c in label if c.isalpha()]
    codes = [36, 36, *(lexicon._code(c) for c in label), 36]
    steps = [float(known.likely[a, b, c]) for a, b, c in zip(codes, codes[1:], codes[2:], strict=False)]
    inner = steps[:-1]
    windows = [sum(inner[i - 3 : i + 1]) for i in range(3, n)]
    shares = [label.count(c) / n for c in set(label)]
    spelled, told = longest_cover(label, set(lexicon.SYLLABLES)), longest_cover(label, set(WORDS))
    digits = [c.isdigit() for c in label]
    return [
        n, sum(digits) / max(n, 1), sum(c in "aeiou" for c in letters) / max(len(letters), 1),
        longest(label, "bcdfghjklmnpqrstvwxyz"), longest(label, "0123456789"), len(set(label)) / max(n, 1),
        -sum(s * math.log2(s) for s in shares), sum(steps), sum(steps) / (n + 1), min([0.0, *windows]),
        spelled / max(n, 1), told / max(n, 1), n - spelled, n - told, label.count("-"),
        sum(a != b for a, b in itertools.pairwise(digits)),
    ]  # fmt: skip


alphabet = st.sampled_from(list("abcdeiouxzq0189-"))
labels = st.text(alphabet, min_size=1, max_size=70)
names = st.builds(
    lambda parts, end, dot: ".".join([*parts, end]) + dot,
    st.lists(labels | st.sampled_from(["shoponline", "com", "gov", "zhongguo"]), min_size=1, max_size=4),
    st.sampled_from(["com", "cn", "uk"]), st.sampled_from(["", "."]),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(names, min_size=1, max_size=6))
def test_features_are_what_a_person_counts(known, some):
    found = known.features(some)
    assert found.shape == (len(some), len(NAMES))
    for row, name in zip(found, some, strict=True):
        np.testing.assert_allclose(row, oracle(name, known), rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("www.taiyuan.gov.cn", "taiyuan"), ("a.b.example.com", "example"), ("example.com.", "example"),
        ("localhost", "localhost"), ("gov.cn", "gov"), ("x.com.xyz", "com"), ("", ""), (".", ""), ("..", ""),
        ("A.CO.UK", "A"), ("x" * 90 + ".com", "x" * 63),
    ],
)  # fmt: skip
def test_the_registered_label(name, label):
    text, offsets = joined([name])
    places = np.empty((1, 2), np.int64)
    kernels.labels(text, offsets, _SECONDS, places)
    assert text.tobytes()[places[0, 0] : places[0, 1]].decode() == label


@settings(max_examples=60)
@given(st.lists(st.text(max_size=300), max_size=5))
def test_whatever_names_come(known, some):
    found = known.features(some)
    assert np.isfinite(found).all()
    assert (found[:, 0] <= 63).all()


def test_keys_hold_what_they_should():
    found = keys(["b", "a", "a", "zzzzzzzzzzz", "much-too-long-a-word"])
    assert len(found) == 3
    assert (np.diff(found) > 0).all()
