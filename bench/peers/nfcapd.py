"""nfcapd, the collector of nfdump (Debian's package), on loopback."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from bench.errors import BenchError

OBTAIN = "apt-get install nfdump"


def version() -> str | None:
    """Its version, None where it is not installed."""
    if shutil.which("nfcapd") is None or shutil.which("nfdump") is None:
        return None
    told = subprocess.run(["nfdump", "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.]*", told.stdout)
    return found.group() if found else "unknown"


class Nfcapd:
    """One collector under way. `finish` ends it: records in its files, and processor seconds it took."""

    def __init__(self, folder: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = folder
        argv = ["nfcapd", "-w", str(folder), "-b", "127.0.0.1", "-p", str(self.port), "-B", str(64 << 20)]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.0)
        if self._process.poll() is not None:
            raise BenchError(f"nfcapd did not start (exit code {self._process.returncode})")
        self._before = self._cpu()

    def _cpu(self) -> float:
        """Processor seconds so far, of all its threads: to the nanosecond, not in the clock's ticks."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text("utf-8").split()[0]) for task in tasks) / 1e9

    def idle(self) -> bool:
        """Whether it did nothing for a moment."""
        before = self._cpu()
        time.sleep(0.3)
        return self._cpu() - before < 0.005

    def finish(self) -> tuple[int, float]:
        """Have it write what it has."""
        spent = self._cpu() - self._before
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        told = subprocess.run(
            ["nfdump", "-R", str(self._folder), "-I"], capture_output=True, text=True, check=False
        ).stdout
        found = re.search(r"^Flows: (\d+)", told, re.MULTILINE)
        if found is None:
            raise BenchError(f"nfdump does not tell how many flows there are: {told[:200]!r}")
        return int(found.group(1)), spent
