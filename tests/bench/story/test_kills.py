"""A few kills at moments of the story that a seed chooses; `python -m bench story` makes twenty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.story.kills import Killed, frames
from bench.story.net import Net

KILLS = 2
#: One amid the approval, one as the last step of the run is answered.
SEED = 12


@pytest.fixture
def net() -> Iterator[Net]:
    try:
        made = Net().__enter__()
    except (BenchError, OSError) as e:
        pytest.skip(f"no network namespaces can be made here: {e}")
    yield made
    made.close()


@pytest.mark.slow
def test_killed_at_moments_of_the_story_it_loses_and_doubles_nothing(net: Net, tmp_path: Path):
    played = Killed(tmp_path, net, kills=KILLS, seed=SEED, expire=False)
    try:
        played.play()
    finally:
        played.house.close()
    assert len(played.killer.moments) == KILLS
    assert len(played.killer.recovery) == KILLS


def test_each_file_has_a_scanner_of_its_own():
    first, second = frames(0), frames(1)
    assert len(first) == len(second) == 90
    assert {data for _, data in first}.isdisjoint(data for _, data in second)
