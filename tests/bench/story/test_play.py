"""The story itself is played in `tests/end_to_end/test_story.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.story.net import CLIENT
from bench.story.play import PLAYBOOK, need, seconds_of, settings
from citywall.settings import load
from playbooks.desk import library_of


def test_the_storys_own_playbook_is_the_shipped_one_for_a_minute(tmp_path: Path):
    made = settings(tmp_path, 3)
    assert f"{CLIENT}/32" in json.loads(made["playbooks.protected"])
    chosen = load(None, {}, [f"playbooks.folder={made['playbooks.folder']}"])
    entry = library_of(chosen).get(PLAYBOOK)
    assert entry.playbook.playbook_variables["__block_minutes__"].value == "3"
    assert [e.short for e in library_of(chosen).entries()][-1] == PLAYBOOK  # where keys look for it


def test_times_and_needs():
    assert seconds_of("2026-11-29T20:02:39.704543880Z") == pytest.approx(1795982559.704543)
    need([1], "fine")
    with pytest.raises(BenchError, match="not so"):
        need([], "not so")
