"""The journal: first sights stay, and what a crash cut short is dropped."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from drills import journal
from drills.journal import Journal, read


def test_first_sight_stays(tmp_path: Path):
    assert read(tmp_path) == {}
    with Journal(tmp_path) as seen:
        assert seen.note(["a", "b", "a", ""], 5) == 2
        assert seen.note(["b", "c"], 7) == 1
    with Journal(tmp_path) as seen:
        assert seen.note(["a"], 9) == 0
    assert read(tmp_path) == {"a": 5, "b": 5, "c": 7}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 200), st.binary(max_size=20))
def test_cut_short_anywhere(tmp_path_factory, keep, junk):
    folder = tmp_path_factory.mktemp("journal")
    with Journal(folder) as seen:
        for number in range(5):
            seen.note([f"alert-{number}"], number)
    whole = read(folder)
    path = folder / journal.NAME
    path.write_bytes(path.read_bytes()[:keep] + junk)
    left = read(folder)
    with Journal(folder) as seen:
        seen.note(["new"], 99)
    assert read(folder) == left | {"new": 99}
    known = {alert: at for alert, at in left.items() if alert in whole}
    assert list(known.items()) == list(whole.items())[: len(known)]
