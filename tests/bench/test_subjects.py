"""Shares, slopes and minima."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import process
from bench.captures import Capture
from bench.errors import BenchError
from bench.peers.dpkt import Dpkt
from bench.subjects import Command, Run, SelfTimed


class Clocked(Command):
    """A command that costs a second to start and what `noise` says for each packet."""

    name, does, obtain = "clocked", "", ""

    def __init__(self, *noise: float) -> None:
        self.noise = list(noise)

    def version(self) -> str:
        return "1"

    def usage(self, capture: Capture) -> process.Usage:
        extra = self.noise.pop(0) if self.noise else 0.0
        seconds = 1.0 + capture.packets * 0.001 + extra
        return process.Usage(seconds, 2 * seconds, 0, "")


def captures(*sizes: int) -> tuple[Capture, ...]:
    return tuple(Capture(Path("none"), n) for n in sizes)


def test_a_slope_leaves_the_start_up_out():
    command = Clocked()
    assert command.sizes(1000) == (100, 1000)
    run = command.measure(captures(100, 1000))
    assert run.cpu == pytest.approx(1.0)
    assert run.wall == pytest.approx(2.0)
    assert run.startup_cpu == pytest.approx(1.0)
    figure = command.summarise([run])
    assert figure.cpu == pytest.approx(0.001)
    assert figure.startup_wall == pytest.approx(2.0)


def test_a_disturbed_small_run_does_not_flatter_the_slope():
    command = Clocked(0.0, 0.0, 0.5, 0.0, 0.0, 0.3)
    figure = command.summarise([command.measure(captures(100, 1000)) for _ in range(3)])
    assert min(figure.cpu_samples) < 0.0005
    assert figure.cpu == pytest.approx(0.001)
    assert figure.startup_cpu == pytest.approx(1.0)


def test_a_machine_too_busy_to_tell_is_an_error():
    command = Clocked(5.0, 0.0)
    with pytest.raises(BenchError, match="too busy"):
        command.summarise([command.measure(captures(100, 1000))])


def test_preparing_runs_the_small_capture():
    command = Clocked(7.0)
    command.prepare(captures(100, 1000))
    assert command.noise == []


def test_self_timed_figures_are_the_least_of_the_repeats():
    runs = [Run(10, cpu, cpu * 2, 1.0 + cpu, 2.0) for cpu in (3.0, 2.0, 4.0)]
    figure = SelfTimed.summarise(runs)
    assert (figure.cpu, figure.wall, figure.startup_cpu) == (0.2, 0.4, 3.0)
    assert figure.cpu_samples == (0.3, 0.2, 0.4)


def test_a_capped_subject_is_given_its_share():
    peer = Dpkt()
    assert peer.cap == 2_000_000
    assert peer.sizes(20_000_000) == (2_000, 2_000_000)
    assert peer.sizes(500) == (500, 500)
    assert Clocked().sizes(20_000_000) == (2_000_000, 20_000_000)
