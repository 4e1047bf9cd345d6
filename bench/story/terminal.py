"""A terminal of its own (tmux), with real keys: what people see, and what they type."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.errors import BenchError

_TALL, _WIDE = 70, 140
#: Seconds that a page gets to turn before the key is taken for unheard.
_TURN_S = 5.0
#: What another terminal says of itself: a program believes `LINES` and `COLUMNS` before the one it is in.
_LEFT = ("TMUX", "LC_", "LANG", "NO_COLOR", "LINES", "COLUMNS")


def there() -> bool:
    """Whether this machine has tmux."""
    return shutil.which("tmux") is not None


class Terminal:
    """Runs `command` from `__enter__` to `__exit__`; what it said last stays in sight where it ends before.

    Screens are saved into `folder`, where one is given.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], at: Path, folder: Path | None = None
    ) -> None:
        self._name = f"citywall-{uuid.uuid4().hex[:8]}"
        self._command = command
        self._at = at
        self._folder = folder
        kept = {name: value for name, value in environment.items() if not name.startswith(_LEFT)}
        self._environment = kept | {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}

    def __enter__(self) -> Self:
        self._tmux(
            "-u", "new-session", "-d", "-s", "it", "-x", str(_WIDE), "-y", str(_TALL), "-c", str(self._at),
            *self._command, ";", "set-option", "-g", "remain-on-exit", "on",
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._name, *arguments],
            capture_output=True, text=True, env=self._environment, encoding="utf-8", check=False,
        )  # fmt: skip
        return done.stdout

    def screen(self) -> str:
        """What is seen now."""
        return self._tmux("capture-pane", "-p", "-t", "it")

    def until(self, *words: str, limit_s: float = 60.0) -> str:
        """The screen once it has all of `words`; raises BenchError with the screen where it never has."""
        deadline = time.monotonic() + limit_s
        while any(word not in (screen := self.screen()) for word in words):
            if time.monotonic() > deadline:
                missing = [word for word in words if word not in screen]
                raise BenchError(f"{missing} never came:\n{screen}")
            time.sleep(0.05)
        return screen

    def page(self, word: str, pages: int = 12) -> None:
        """Turn pages down until a word is in sight; raises BenchError where it is on none."""
        for _ in range(pages):
            screen = self.screen()
            if word in screen:
                return
            self.keys("PageDown")
            deadline = time.monotonic() + _TURN_S
            while self.screen() == screen and time.monotonic() < deadline:
                time.sleep(0.05)
        raise BenchError(f"{word!r} is on none of {pages} pages:\n{self.screen()}")

    def keys(self, *names: str) -> None:
        """Press keys by their names (`Enter`, `Escape`, `Down`, `a`)."""
        self._tmux("send-keys", "-t", "it", *names)

    def press(self, name: str, *words: str, times: int = 6) -> None:
        """Press a key until the screen has all of `words`: people press again what was not heard."""
        for i in range(times):
            self.keys(name)
            with contextlib.suppress(*(() if i + 1 == times else (BenchError,))):
                self.until(*words, limit_s=10.0)
                return

    def text(self, text: str) -> None:
        """Type a text, all of it in one burst."""
        self._tmux("send-keys", "-t", "it", "-l", text)

    def save(self, name: str) -> str:
        """Keep the screen as it is; returns it."""
        screen = self.screen()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            count = len(list(self._folder.glob("*.txt"))) + 1
            (self._folder / f"{count:02d}-{name}.txt").write_text(screen, "utf-8")
        return screen
