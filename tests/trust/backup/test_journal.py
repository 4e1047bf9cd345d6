from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import DataFolderError
from trust.backup import journal
from trust.backup.manifest import Entry

MADE = Entry("2026-11-29T00:00:00Z", "made", "b.tar", "00", 3, 4, sound=True)


def test_lines_are_added_and_read(tmp_path: Path):
    assert journal.read(tmp_path) == []
    journal.note(tmp_path, MADE)
    journal.note(tmp_path, MADE)
    with (tmp_path / "backups.jsonl").open("ab") as file:
        file.write(b'{"time":')  # cut short
    assert journal.read(tmp_path) == [MADE, MADE]


def test_a_damaged_line_is_named(tmp_path: Path):
    (tmp_path / "backups.jsonl").write_bytes(b"nonsense\n{}\n")
    with pytest.raises(DataFolderError, match="line 1: is damaged"):
        journal.read(tmp_path)
    with pytest.raises(DataFolderError, match="cannot be written"):
        journal.note(tmp_path / "none", MADE)
