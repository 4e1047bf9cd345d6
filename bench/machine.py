"""Facts about the machine and the software measured: enough to judge a figure, nothing that names a host."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

LIBRARIES = ("numpy", "numba", "faust-streaming", "scapy")


def facts() -> dict[str, str | int | float]:
    """Processor, cores, memory in bytes, kernel, interpreter, libraries, load before the run."""
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) or "absent" for name in LIBRARIES},
        "load": round(os.getloadavg()[0], 2),
    }


def version(distribution: str) -> str | None:
    """The installed version of a distribution, None where it is absent."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        # Arm kernels name the implementer and part only; x86 has a model name.
        if name.strip() in {"model name", "Model"}:
            return value.strip()
    return platform.processor() or platform.machine()
