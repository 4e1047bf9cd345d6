"""`kill -9` of a real process, again and again: the run comes to its end, and each note was made once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from playbooks.library import examine
from trust.verify import verify

from .conftest import HEAD, ROOT

STEPS = 6


def test_kill_dash_nine(quick_path: Path) -> None:
    (quick_path / "books").mkdir()
    notes = ", ".join(f"{{type: x-citywall-note, text: n{at}}}" for at in range(STEPS))
    book = quick_path / "books" / "test.yaml"
    book.write_text(
        HEAD.format(id="test") + f"  go:\n    commands: [{notes}]\n    on_completion: end\n", "utf-8"
    )
    assert examine(book).entry is not None
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(quick_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    chance, kills = random.Random(5), 0
    for _ in range(30):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        if kills < 3:
            done = quick_path / "notes"
            wanted = (done.stat().st_size if done.exists() else 0) + 1
            until = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < until:
                if done.exists() and done.stat().st_size >= wanted:
                    time.sleep(chance.random() * 0.012)
                    process.kill()
                    kills += 1
                    break
                time.sleep(0.0005)
        said, _ = process.communicate(timeout=60)
        if said.strip() == "completed":
            break
    else:
        raise AssertionError("the run did not come to its end")
    keys = (quick_path / "notes").read_text().split()
    assert (len(keys), len(set(keys))) == (STEPS, STEPS)
    assert kills >= 1
    assert verify(quick_path / "data").ok
