"""Patterns as the kernel wants them."""

from __future__ import annotations

from citywall.batches import LOGIN_FORM, SCANNER
from ingest.sightings.patterns import AGENT, BUCKETS, BUILT, PATH, PATTERNS, bucket, build


def test_every_text_is_found_by_its_first_bytes():
    every = {text.encode() for *_, texts in PATTERNS for text in texts}
    raw = BUILT.text.tobytes()
    seen = set()
    for c in range(BUCKETS):
        for i in range(BUILT.starts[c], BUILT.starts[c + 1]):
            text = raw[BUILT.at[i] : BUILT.at[i] + BUILT.sizes[i]]
            assert bucket(text) == c
            seen.add(text)
    assert seen == every
    assert len(build().at) == sum(len(texts) for *_, texts in PATTERNS)


def test_texts_are_as_the_kernel_makes_requests():
    for _, _, texts in PATTERNS:
        for text in texts:
            assert text == text.lower()
            assert "+" not in text
            assert 3 <= len(text) <= 40


def test_tools_are_looked_for_in_their_names_only():
    assert {regions for signs, regions, _ in PATTERNS if signs & SCANNER} == {AGENT}
    assert {regions for signs, regions, _ in PATTERNS if signs & LOGIN_FORM} == {PATH}
