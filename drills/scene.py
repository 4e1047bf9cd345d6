"""The scene: some minutes of a small extranet with attacks in it, as a capture and its ground truth.

The same seed and minutes give the same bytes. A scene is played in windows of ten minutes, so that
memory does not grow with its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citywall.errors import InputError
from drills import truth
from drills.forge import Forge
from drills.register import Register, addresses, example
from drills.stage import SECOND, Put, Stage
from drills.traffic import ATTACKS, BENIGN
from drills.traffic.plan import Ends, Plan

#: 2026-03-02 09:00:00 in China, a Monday.
START = 1_772_413_200 * SECOND
WINDOW_MINUTES = 10
#: Told how far the scene is, from 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Scene:
    """What was written: the capture, where its truth stands, and the truth."""

    path: Path
    truth_path: Path
    truth: truth.Truth

    @property
    def packets(self) -> int:
        """Frames in the capture."""
        return self.truth.packets


def synthesise(path: Path, seed: int = 1, minutes: int = 10, progress: Progress | None = None) -> Scene:
    """Write a scene of `minutes` to `path` and its truth beside; raises InputError, ValueError.

    Attacks shrink in scenes shorter than ten minutes. `progress` is called now and then.
    """
    if minutes < 1:
        raise ValueError("a scene lasts a minute at least")
    register = example()
    try:
        record = _write(path, _Play(register, seed, minutes), progress)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    benign = tuple(addresses([*register.hosts.values(), register.gateway]))
    facts = truth.Truth(
        path.name, seed, minutes, record.frames, record.bytes, record.first, record.last,
        tuple(record.attack(label) for label in sorted(record.runs)), benign,
    )  # fmt: skip
    truth.save(facts, path)
    return Scene(path, truth.truth_path(path), facts)


@dataclass
class _Play:
    """A scene being played, window by window."""

    register: Register
    seed: int
    minutes: int
    forge: Forge = field(default_factory=Forge)
    played: dict[int, tuple[Plan, Ends]] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return START + self.minutes * 60 * SECOND

    def windows(self) -> Iterable[tuple[float, list[Put]]]:
        """Frames in order of time, window by window, with the share of the scene that is over then."""
        waiting: list[Put] = []
        for number, first in enumerate(range(0, self.minutes, WINDOW_MINUTES)):
            length = min(WINDOW_MINUTES, self.minutes - first)
            stage = self._window(number, first, length)
            stop = min(self.end, START + (first + length) * 60 * SECOND)
            waiting += stage.frames
            waiting.sort(key=lambda put: put.time)  # stable: equal times stay in order of playing
            now = [put for put in waiting if put.time < stop]
            waiting = waiting[len(now) :]
            yield (first + length) / self.minutes, now

    def _window(self, number: int, first: int, length: int) -> Stage:
        start = START + first * 60 * SECOND
        scale = min(1.0, self.minutes / WINDOW_MINUTES)
        stage = Stage(self.register, self.forge, start, length * 60.0, scale)
        for play in BENIGN:
            stage.roll(self.seed, number, play.__name__)
            play(stage)
        for label, plan in enumerate(ATTACKS, 1):
            at = START + int(plan.at * self.minutes * 60) * SECOND
            if start <= at < start + length * 60 * SECOND:
                stage.roll(self.seed, number, plan.id)
                with stage.labelled(label):
                    self.played[label] = plan, plan.play(stage, at)
        return stage


class _Record:
    """Counts what is written, and where each attack's frames are."""

    def __init__(self, play: _Play) -> None:
        self.frames = self.bytes = self.first = self.last = 0
        self.runs: dict[int, list[list[int]]] = {}
        self.times: dict[int, tuple[int, int]] = {}
        self._play = play

    def note(self, put: Put) -> None:
        """One frame was written."""
        self.frames += 1
        self.bytes += len(put.frame)
        self.first = self.first or put.time
        self.last = put.time
        if put.label:
            runs = self.runs.setdefault(put.label, [])
            if runs and runs[-1][1] == self.frames - 1:
                runs[-1][1] = self.frames
            else:
                runs.append([self.frames, self.frames])
            began, _ = self.times.get(put.label, (put.time, 0))
            self.times[put.label] = began, put.time

    def attack(self, label: int) -> truth.AttackTruth:
        """What became of an attack."""
        plan, ends = self._play.played[label]
        runs = tuple((first, last) for first, last in self.runs[label])
        return truth.AttackTruth(
            plan.id, plan.kind, plan.attck, plan.detector, ends.sources, ends.targets, ends.spoofed, runs,
            runs[0][0], runs[-1][1], sum(last - first + 1 for first, last in runs), *self.times[label],
        )  # fmt: skip


def _write(path: Path, play: _Play, progress: Progress | None) -> _Record:
    from scapy.utils import RawPcapWriter

    record = _Record(play)
    part = path.with_name(path.name + ".part")
    writer: Any = RawPcapWriter(str(part), linktype=1, sync=False)
    try:
        writer.write_header(None)
        for done, frames in play.windows():
            for put in frames:
                seconds, rest = divmod(put.time, SECOND)
                writer.write_packet(put.frame, sec=seconds, usec=rest // 1000)
                record.note(put)
            if progress is not None:
                progress(done)
    finally:
        writer.close()
    part.replace(path)
    return record
