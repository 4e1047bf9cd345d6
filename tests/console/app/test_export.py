from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from citywall.errors import DataFolderError, StoreError
from console.app.export import export


def test_a_json_object_a_line(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    assert export(path, lambda: [{"a": "中"}, {"b": 1}]) == 2
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [{"a": "中"}, {"b": 1}]


def test_what_is_there_is_not_written_over(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_text("mine")
    with pytest.raises(DataFolderError, match="exists"):
        export(path, list)
    assert path.read_text() == "mine"
    with pytest.raises(DataFolderError, match="No such file"):
        export(tmp_path / "absent" / "out", list)


def test_half_an_export_is_removed(tmp_path: Path):
    def broken() -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise StoreError("gone")

    with pytest.raises(StoreError):
        export(tmp_path / "out", broken)
    assert list(tmp_path.iterdir()) == []
