"""The child that is measured, or that generates: `python -m bench.worker measure|generate ...`.

One JSON object on standard output.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def cpu_seconds() -> float:
    """Processor seconds of this process, its threads and the children it waited for."""
    own, children = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(task: str, capture: str, warm: str) -> dict[str, float]:
    """Run a task of `bench` on the small capture, then timed on the real one."""
    module = importlib.import_module(f"bench.{task}")
    module.run(warm)
    cpu, wall = cpu_seconds(), time.perf_counter()
    packets = module.run(capture)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    return {"packets": packets, "cpu": cpu, "wall": wall}


def generate(path: str, packets: str, profile: str, seed: str) -> dict[str, float]:
    """Write a capture; its facts."""
    from bench.generator import capture

    chosen = {"extranet": capture.EXTRANET, "million": capture.MILLION}[profile]
    return capture.write_capture(Path(path), int(packets), chosen, int(seed)).as_dict()


def report(task: str, *arguments: str) -> dict[str, float]:
    """What a task measures of itself: its `report` with the arguments given."""
    told: dict[str, float] = importlib.import_module(f"bench.{task}").report(*arguments)
    return told


def main() -> None:
    """Do what the command line says."""
    commands: dict[str, Callable[..., dict[str, float]]] = {
        "measure": measure,
        "generate": generate,
        "report": report,
    }
    print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])))


if __name__ == "__main__":
    main()
