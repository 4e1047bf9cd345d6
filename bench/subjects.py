"""What is measured: ours and the peers, each a subject that can be run on a capture."""

from __future__ import annotations

import json
import shutil
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass

from bench import process
from bench.captures import Capture
from bench.errors import BenchError
from bench.machine import version

#: Read before the clock starts: modules import, compiled kernels load, caches fill.
WARM_PACKETS = 2_000
#: A slope is taken between a tenth of a capture and the whole.
SLOPE_SHARE = 10
OURS = "citywall"
#: How to get what comes from the Python registry, and what comes from the operating system.
PIP = "make peers (pip install --group bench)"
APT = "apt-get install"


@dataclass(frozen=True)
class Run:
    """One measured run: packets, the seconds they took once the program was under way, and all the rest.

    `part` is the packets of the smaller capture where the steady state is a slope, else 0.
    """

    packets: int
    cpu: float
    wall: float
    startup_cpu: float
    startup_wall: float
    part: int = 0


@dataclass(frozen=True)
class Figure:
    """What repeated runs on one capture come to, in seconds a packet; `startup` is wall seconds."""

    packets: int
    cpu: float
    wall: float
    cpu_samples: tuple[float, ...]
    wall_samples: tuple[float, ...]
    startup_wall: float
    startup_cpu: float


class Subject(ABC):
    """A program that reads a capture."""

    name: str
    #: What it is made to do, for the reader of the table.
    does: str
    #: How to get it where it is absent.
    obtain: str
    #: The most packets of a capture it is given, None for all.
    cap: int | None = None

    @abstractmethod
    def version(self) -> str | None:
        """The installed version, None where the subject is absent."""

    @abstractmethod
    def sizes(self, packets: int) -> tuple[int, ...]:
        """The sizes of the captures one measurement reads; all are prefixes of the same capture."""

    @abstractmethod
    def measure(self, captures: tuple[Capture, ...]) -> Run:
        """Run once over captures of `sizes`; raises BenchError."""

    @abstractmethod
    def prepare(self, captures: tuple[Capture, ...]) -> None:
        """Run once untimed, so that kernels are compiled and programs are in the page cache."""

    def share(self, packets: int) -> int:
        """How many of a capture's packets this subject is given."""
        return packets if self.cap is None else min(packets, self.cap)

    @staticmethod
    def summarise(runs: list[Run]) -> Figure:
        """The least of the repeats, and every sample."""
        cpu = tuple(r.cpu / r.packets for r in runs)
        wall = tuple(r.wall / r.packets for r in runs)
        return Figure(
            runs[0].packets, min(cpu), min(wall), cpu, wall,
            min(r.startup_wall for r in runs), min(r.startup_cpu for r in runs),
        )  # fmt: skip


class SelfTimed(Subject):
    """A worker process that warms up on a small capture and then times itself on the real one.

    Start-up is all the rest of the process: interpreter, imports, kernels, warm-up, exit.
    """

    #: Module under `bench` with `run(path: str) -> int` packets.
    task: str
    distribution: str

    def version(self) -> str | None:
        """The version of the distribution measured."""
        return version(self.distribution)

    def sizes(self, packets: int) -> tuple[int, ...]:
        """The warm-up and the measured capture."""
        share = self.share(packets)
        return (min(WARM_PACKETS, share), share)

    def prepare(self, captures: tuple[Capture, ...]) -> None:
        """Run the worker on the small capture."""
        self.measure((captures[0], captures[0]))

    def measure(self, captures: tuple[Capture, ...]) -> Run:
        """Run the worker once."""
        warm, capture = captures
        argv = [sys.executable, "-m", "bench.worker", "measure", self.task, str(capture.path), str(warm.path)]
        whole = process.run(argv)
        told = json.loads(whole.output.splitlines()[-1])
        cpu, wall = told["cpu"], told["wall"]
        return Run(told["packets"], cpu, wall, whole.cpu - cpu, whole.wall - wall)


class Command(Subject):
    """A whole process run on two sizes: the slope is the steady state, what is left the start-up."""

    @abstractmethod
    def usage(self, capture: Capture) -> process.Usage:
        """Run the program once over a capture."""

    def sizes(self, packets: int) -> tuple[int, ...]:
        """A tenth and the whole."""
        share = self.share(packets)
        return (max(share // SLOPE_SHARE, 1), share)

    def prepare(self, captures: tuple[Capture, ...]) -> None:
        """Run the program on the small capture."""
        self.usage(captures[0])

    def measure(self, captures: tuple[Capture, ...]) -> Run:
        """Run once over each size."""
        small, large = captures
        part, whole = self.usage(small), self.usage(large)
        scale = large.packets / (large.packets - small.packets)
        cpu, wall = (whole.cpu - part.cpu) * scale, (whole.wall - part.wall) * scale
        return Run(large.packets, cpu, wall, whole.cpu - cpu, whole.wall - wall, small.packets)

    @staticmethod
    def summarise(runs: list[Run]) -> Figure:
        """The slope between the least of the small runs and the least of the large ones.

        The least of the slopes would be too kind: a small run that was disturbed makes its slope flatter.
        """
        packets, share = runs[0].packets, runs[0].part / runs[0].packets
        cpu, startup_cpu = _slope([(r.startup_cpu, r.cpu) for r in runs], share)
        wall, startup_wall = _slope([(r.startup_wall, r.wall) for r in runs], share)
        if cpu <= 0:
            raise BenchError("the large capture took no longer than the small one: the machine is too busy")
        return Figure(
            packets, cpu / packets, wall / packets,
            tuple(r.cpu / r.packets for r in runs), tuple(r.wall / r.packets for r in runs),
            max(startup_wall, 0.0), max(startup_cpu, 0.0),
        )  # fmt: skip


class SystemCommand(Command):
    """A program of the operating system."""

    #: The program looked for.
    program: str

    def version(self) -> str | None:
        """What the program says of itself."""
        path = find_program(self.program)
        return self.describe(path) if path else None

    @abstractmethod
    def describe(self, path: str) -> str:
        """The version of the program found at `path`."""


def _slope(seconds: list[tuple[float, float]], share: float) -> tuple[float, float]:
    """Steady seconds and start-up from (start-up, steady) of each run, by way of the least totals."""
    part = min(startup + steady * share for startup, steady in seconds)
    whole = min(startup + steady for startup, steady in seconds)
    steady = (whole - part) / (1 - share)
    return steady, whole - steady


def find_program(name: str) -> str | None:
    """Where a program is, also in the folders that an ordinary user's path lacks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
