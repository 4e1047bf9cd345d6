from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.story import terminal
from bench.story.terminal import Terminal


def test_what_is_typed_is_seen_and_kept(tmp_path: Path):
    if not terminal.there():
        pytest.skip("tmux is not here")
    with Terminal(["cat"], os.environ, tmp_path, tmp_path / "screens") as it:
        it.text("hello 国")
        it.keys("Enter")
        assert it.until("hello 国").count("hello") >= 1
        assert it.save("one") == (tmp_path / "screens" / "01-one.txt").read_text("utf-8")
        with pytest.raises(BenchError, match="never came"):
            it.until("nobody types this", limit_s=0.1)


def test_a_program_sees_the_size_of_its_own_terminal(tmp_path: Path):
    if not terminal.there():
        pytest.skip("tmux is not here")
    told = "import shutil, time; print(tuple(shutil.get_terminal_size())); time.sleep(60)"
    other = {**os.environ, "COLUMNS": "80", "LINES": "24"}
    with Terminal([sys.executable, "-c", told], other, tmp_path) as it:
        it.until("(140, 70)")
