"""A server process that can be started, watched, killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from bench.errors import ServiceFailed

LOOPBACK = "127.0.0.1"
#: Seconds a server may take on a busy machine of two cores.
START_LIMIT_S = 120.0
STOP_LIMIT_S = 30.0
POLL_S = 0.2
QUOTED_LINES = 30
#: Waits until the other end of its input is closed, which the system does for one that dies, then kills.
LEASH = 'read _; kill -KILL "-$1"'


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class Service(ABC):
    """One server on loopback, with all it keeps in `folder`.

    `port` None chooses a free one; it stays the same for the life of the object. `detached` lets the server
    outlive this process; otherwise it is killed when this process ends, however that happens. `quick`
    compiles lightly: half the processor time to start, and a slower server; measurements of throughput turn
    it off. `overrides` are further settings of the server. As a context manager: started and healthy inside,
    stopped outside. Not for use by several threads at once.
    """

    name: ClassVar[str]
    scheme: ClassVar[str]

    #: Default of `heap_mib`.
    least_heap_mib: ClassVar[int]

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        heap_mib: int | None = None,
        detached: bool = False,
        quick: bool = True,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self.heap_mib = heap_mib or self.least_heap_mib
        self.log = self.folder / f"{self.name}.log"
        self.overrides = dict(overrides or {})
        self._second_port = free_port()
        self._detached = detached
        self._compiler = ["-XX:TieredStopAtLevel=1"] if quick else []
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"{self.scheme}://{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether its process is alive (it may not be healthy yet)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process, which leads its own group. Raises ServiceFailed where it is not running."""
        if self._process is None or not self.running:
            raise ServiceFailed(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and return at once.

        Raises ServiceUnavailable, or ServiceFailed if it runs already.
        """
        if self.running:
            raise ServiceFailed(f"{self.name} runs already, as process {self.pid}")
        self.folder.mkdir(parents=True, exist_ok=True)
        command, environment = self._prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **environment}, start_new_session=True,
            )  # fmt: skip
        if not self._detached:
            self._leash = subprocess.Popen(
                ["/bin/sh", "-c", LEASH, "leash", str(self._process.pid)],
                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def wait_healthy(self, limit_s: float = START_LIMIT_S) -> float:
        """Wait until the server answers as a client needs it to; returns the seconds waited.

        Raises ServiceFailed, quoting the log, where it died or is not healthy after `limit_s`.
        """
        begin = time.monotonic()
        while True:
            if not self.running:
                code = None if self._process is None else self._process.returncode
                raise ServiceFailed(f"{self.name} ended with {code}:\n{self.tail()}")
            if self.healthy():
                return time.monotonic() - begin
            if time.monotonic() - begin > limit_s:
                raise ServiceFailed(f"{self.name} is not healthy after {limit_s:.0f} s:\n{self.tail()}")
            time.sleep(POLL_S)

    def kill(self) -> None:
        """SIGKILL to all its processes, and wait until they are gone; nothing if it is not running."""
        self._end(signal.SIGKILL)

    def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Ask it to end, and kill it after `limit_s`; nothing if it is not running."""
        self._end(signal.SIGTERM, limit_s)

    def restart(self) -> float:
        """Stop it if it runs, start it on the same port and data; returns the seconds until healthy."""
        self.stop()
        begin = time.monotonic()
        self.start()
        self.wait_healthy()
        return time.monotonic() - begin

    def tail(self) -> str:
        """The last lines of its log."""
        try:
            text = self.log.read_text("utf-8", "replace")
        except FileNotFoundError:
            return "(it has no log)"
        return "\n".join(text.splitlines()[-QUOTED_LINES:]) or f"(nothing in {self.log})"

    @abstractmethod
    def healthy(self) -> bool:
        """Whether the server answers as a client needs it to; one attempt, within a few seconds."""

    @abstractmethod
    def _prepare(self) -> tuple[list[str], Mapping[str, str]]:
        """Make what the server needs in `folder`; its command and additional environment."""

    def _end(self, number: int, limit_s: float = STOP_LIMIT_S) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            end_group(process.pid, number, limit_s)
            process.wait(STOP_LIMIT_S)
        finally:
            self._release()

    def _release(self) -> None:
        leash, self._leash = self._leash, None
        if leash is not None:
            leash.kill()
            if leash.stdin is not None:
                leash.stdin.close()
            leash.wait()

    def __enter__(self) -> Self:
        """Start, and wait for health; what fails to become healthy is killed."""
        self.start()
        try:
            self.wait_healthy()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def end_group(group: int, number: int = signal.SIGKILL, limit_s: float = STOP_LIMIT_S) -> None:
    """Send a signal to a process group and wait until nothing of it holds a port or a file any more.

    What is left after `limit_s` is killed. Raises ServiceFailed where even that does not end it.
    """
    for each, limit in ((number, limit_s), (signal.SIGKILL, STOP_LIMIT_S)):
        if not group_alive(group):
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, each)
        deadline = time.monotonic() + limit
        while group_alive(group) and time.monotonic() < deadline:
            time.sleep(0.02)
    if group_alive(group):
        raise ServiceFailed(f"process group {group} cannot be killed")


def group_alive(group: int) -> bool:
    """Whether a process group has members that are not zombies."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == group and fields[0] not in "ZX":
                return True
    return False
