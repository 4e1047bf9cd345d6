"""Child processes on one core, with what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

#: Libraries that would start a thread for each core are told that there is one.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
KIB = 1024
#: No benchmark takes an hour: what does has hung.
LIMIT_S = 3600.0


@dataclass(frozen=True)
class Usage:
    """What a child and the children it waited for cost: seconds, seconds, bytes."""

    cpu: float
    wall: float
    peak_rss: int
    output: str


def measuring_core() -> int:
    """The core every measured process is bound to."""
    return max(os.sched_getaffinity(0))


@contextmanager
def _bound_to(core: int) -> Iterator[None]:
    """Bind this process for a moment, so that a child inherits the core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run(
    argv: Sequence[str],
    *,
    discard: bool = False,
    environment: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> Usage:
    """Run a command to its end on the measuring core; `discard` sends its output to /dev/null.

    Raises BenchError, with the end of its error output, where it fails or takes longer than `limit_s`.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        with _bound_to(measuring_core()):
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if discard else output,
                stderr=errors,
                env={**os.environ, **ONE_THREAD, **(environment or {})},
                cwd=Path(__file__).resolve().parent.parent,
            )
        watchdog = threading.Timer(limit_s, child.kill)
        watchdog.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        finally:
            watchdog.cancel()
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode == -signal.SIGKILL and wall >= limit_s:
            raise BenchError(f"{Path(argv[0]).name} was stopped after {limit_s:.0f} s")
        if child.returncode != 0:
            errors.seek(0)
            tail = errors.read()[-2000:].decode("utf-8", "replace").strip() or "it said nothing"
            raise BenchError(f"{Path(argv[0]).name} ended with {child.returncode}: {tail}")
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Usage(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * KIB, text)
