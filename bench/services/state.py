"""What was started and has not been stopped: a file, so that another process can stop it."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.services.service import Service, end_group

NAME = "running.json"


@dataclass(frozen=True)
class Running:
    """A server: its process group, and when its leader was started in clock ticks since boot.

    A process number is used again by the system; with its start time it is not.
    """

    name: str
    url: str
    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it is that process, and alive."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None where it is not alive."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def record(folder: Path, services: list[Service]) -> None:
    """Write down the servers that run."""
    entries = [
        asdict(Running(service.name, service.url, service.pid, start_time(service.pid) or 0))
        for service in services
    ]
    (folder / NAME).write_text(json.dumps(entries, indent=1) + "\n", "utf-8")


def running(folder: Path) -> list[Running]:
    """The servers written down in `folder` that are still alive. Raises BenchError on a damaged file."""
    path = folder / NAME
    try:
        entries = [Running(**entry) for entry in json.loads(path.read_text("utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as e:
        raise BenchError(f"{path} is damaged ({e}): stop the servers by hand and delete it") from e
    return [entry for entry in entries if entry.alive]


def stop_all(folder: Path) -> list[str]:
    """Stop what is written down in `folder` and forget it; the names of what was stopped."""
    entries = running(folder)
    for entry in entries:
        end_group(entry.pid, signal.SIGTERM)
    (folder / NAME).unlink(missing_ok=True)
    return [entry.name for entry in entries]
