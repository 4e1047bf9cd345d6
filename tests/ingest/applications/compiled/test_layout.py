from __future__ import annotations

from ingest.applications.compiled.layout import CONFIG, META, OVER_TCP, OVER_UDP, Memory
from ingest.applications.registry import TCP, UDP


def test_what_is_read_here_is_in_the_registry():
    assert set(OVER_TCP) <= set(TCP)
    assert set(OVER_UDP) <= set(UDP)


def test_words_and_arrays_have_names_of_their_own():
    for names in (META, CONFIG, Memory._fields):
        assert len(set(names)) == len(names)
