"""Screens of the console, by real keys in a terminal (tmux), saved as text where somebody asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Screens:
    """Saves to `folder`, numbered; without a folder, or without tmux, nothing is done."""

    def __init__(self, data: Path, folder: str) -> None:
        self._data = data
        self._folder = Path(folder).absolute() if folder and shutil.which("tmux") else None
        self._count = 0

    def shoot(self, name: str, said: str, *view: str) -> None:
        """Open a view in both languages, wait until it says something, and save what is seen."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count += 1
        for language in ("en", "zh"):
            seen = self._seen(language, said, view)
            (self._folder / f"{self._count:02d}-{name}.{language}.txt").write_text(seen, "utf-8")

    def _seen(self, language: str, said: str, view: tuple[str, ...]) -> str:
        name = f"citywall-{uuid.uuid4().hex[:8]}"
        command = [
            sys.executable,
            "-m",
            "console",
            "--lang",
            language,
            "console",
            "--data",
            str(self._data),
            *view,
        ]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("TMUX", "LC_", "LANG", "NO_COLOR"))
        }
        environment |= {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}

        def tmux(*arguments: str) -> str:
            done = subprocess.run(
                ["tmux", "-L", name, *arguments], capture_output=True, text=True, env=environment,
                encoding="utf-8", check=False,
            )  # fmt: skip
            return done.stdout

        tmux("-u", "new-session", "-d", "-s", "it", "-x", "130", "-y", "40", "-c", str(ROOT), *command)
        try:
            deadline = time.monotonic() + 90
            while said not in (screen := tmux("capture-pane", "-p", "-t", "it")):
                assert time.monotonic() < deadline, f"{said} never came:\n{screen}"
                time.sleep(0.2)
            return screen
        finally:
            tmux("kill-server")
