"""The service in a process of its own, on a data folder of its own, with packets from a wire."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.errors import BenchError

_PATIENCE_S = 120.0


def prepare(data: Path) -> None:
    """An administrator, without whom the service does not start."""
    from citywall.settings import load
    from console import signin
    from trust import chain
    from trust.accountfile import AccountFile
    from trust.accounts import Accounts
    from trust.audit import AuditLog
    from trust.passwords import Passwords

    with AuditLog(data / chain.FOLDER) as log:
        accounts = Accounts(AccountFile(data), log, load(None, {}).accounts, hashing=Passwords())
        accounts.init(signin.local(), "bench", f"{secrets.token_urlsafe(24)} 7")


class Service:
    """`citywall up` on one interface. Started when this returns."""

    def __init__(self, data: Path, interface: str, settings: tuple[str, ...] = ()) -> None:
        self._data = data
        argv = [sys.executable, "-m", "console", "up", "--data", str(data), "--interface", interface]
        for each in settings:
            argv += ["--set", each]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait(self._session, "it does not capture")

    def _status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self._data / "status.json").read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found

    def _session(self) -> dict[str, Any]:
        found: dict[str, Any] = next(iter(self._status().get("sensors") or [{}]))
        return found

    def counts(self) -> tuple[int, int]:
        """Packets taken in and analysed so far, and packets the kernel dropped."""
        told = self._session()
        return int(told.get("packets", 0)), int(told.get("dropped", 0))

    def settled(self, packets: int) -> tuple[int, int]:
        """The counts once they come to `packets`, or do not change any more."""
        last, since = (-1, -1), time.monotonic()
        while sum(last) < packets and time.monotonic() - since < 10:
            if (now := self.counts()) != last:
                last, since = now, time.monotonic()
            time.sleep(0.2)
        return last

    def _wait(self, done: Callable[[], Any], why: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not done():
            if self._process.poll() is not None or time.monotonic() > until:
                self.end()
                raise BenchError(f"citywall up: {why} ({self._process.returncode})")
            time.sleep(0.2)

    def end(self) -> None:
        """Have it end in good order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
