from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citywall import sm3
from citywall.errors import DataFolderBusy
from citywall.permissions import Identity
from citywall.settings import load
from reports.making import make
from trust.records import Entry

BY = Identity("scheduler", ("system",))
SETTINGS = load(environment={}, assignments=["use_detectors=false"])


def test_recorded_before_it_is_written(tmp_path: Path, day: Any):
    seen: list[Entry] = []

    def record(entry: Entry) -> int:
        assert not (tmp_path / "out").exists()
        seen.append(entry)
        return 7

    made = make(SETTINGS, tmp_path, day, ["en"], tmp_path / "out", by=BY, record=record)
    assert (made.recorded, made.folder, seen[0].who) == (7, tmp_path / "out", "scheduler")
    assert {p.name: p.read_bytes() for p in made.folder.iterdir()} == made.files
    assert seen[0].after == f"sm3:{sm3.hexdigest(made.files['manifest.json'])}"


def test_what_cannot_be_recorded_is_not_written(tmp_path: Path, day: Any):
    def record(entry: Entry) -> int:
        raise DataFolderBusy("held")

    with pytest.raises(DataFolderBusy):
        make(SETTINGS, tmp_path, day, ["en"], tmp_path / "out", by=BY, record=record)
    assert not (tmp_path / "out").exists()
