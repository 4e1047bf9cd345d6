from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from citywall.errors import DataFolderBusy, DataFolderError
from stream.local.lock import FolderLock


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path):
    lock = FolderLock(tmp_path)
    with pytest.raises(DataFolderBusy, match=rf"{tmp_path}.*pid {os.getpid()}"):
        FolderLock(tmp_path)
    lock.release()
    lock.release()
    FolderLock(tmp_path).release()


def test_a_dead_holder_holds_nothing(tmp_path: Path):
    code = (
        "import os, pathlib; from stream.local.lock import FolderLock\n"
        f"lock = FolderLock(pathlib.Path({str(tmp_path)!r})); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -9
    FolderLock(tmp_path).release()


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="cannot be used"):
        FolderLock(tmp_path / "file" / "below")
