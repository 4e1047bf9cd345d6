"""The two programs of ours that are killed: the owner of a run, and a worker that lends it a hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import ServiceFailed
from bench.services.service import Service

ROOT = Path(__file__).resolve().parent.parent.parent


class Program(Service):
    """A `citywall` command as a process that can be killed and started again with the same arguments.

    Like a server it ends with the process that started it. It keeps its log in `folder`.
    """

    name = "citywall"
    scheme = "citywall"
    least_heap_mib = 0

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        super().__init__(folder)
        self.arguments = tuple(arguments)
        self._logged = 0  # bytes of the log before this start

    @property
    def code(self) -> int | None:
        """How it ended by itself; None while it runs, and after it was killed."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it, after clearing away what is left of the last time."""
        if not self.running:
            self.kill()
        self._logged = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def finish(self, limit_s: float) -> None:
        """Wait until it ends by itself; raises ServiceFailed where it fails, or does not end in time."""
        if self._process is None:
            raise ServiceFailed(f"{self.name} is not running")
        try:
            code = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise ServiceFailed(f"{self.name} has not ended after {limit_s:.0f} s:\n{self.tail()}") from None
        if code != 0:
            raise ServiceFailed(f"{self.name} ended with {code}:\n{self.tail()}")

    def said(self) -> str:
        """What it wrote since it was last started."""
        with self.log.open("rb") as file:
            file.seek(self._logged)
            return file.read().decode("utf-8", "replace")

    def told(self) -> dict[str, Any] | None:
        """The object that `--json` prints at the end; None where it printed none."""
        lines = [line for line in self.said().splitlines() if line.startswith("{")]
        told: dict[str, Any] | None = json.loads(lines[-1]) if lines else None
        return told

    def healthy(self) -> bool:
        """Whether it is alive: there is no port to ask."""
        return self.running

    def _prepare(self) -> tuple[list[str], Mapping[str, str]]:
        return [sys.executable, "-m", "console", *self.arguments], {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
