"""Scenes: some time of a small extranet with attacks in it, as a capture and its ground truth.

The same script gives the same bytes. A scene is played in windows of ten minutes, so that memory does not
grow with its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citywall.errors import InputError
from drills import truth
from drills.forge import Forge
from drills.register import Register, addresses, example
from drills.stage import SECOND, Put, Stage
from drills.traffic import ATTACKS, BENIGN
from drills.traffic.plan import Ends

#: 2026-03-02 09:00:00 in China, a Monday.
START = 1_772_413_200 * SECOND
WINDOW_MINUTES = 10
_WINDOW = WINDOW_MINUTES * 60
#: Told how far the scene is, from 0 to 1.
Progress = Callable[[float], None]
Play = Callable[[Stage], None]


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


@dataclass(frozen=True)
class Cue:
    """An attack of a scene: it begins `at` seconds into it. What it is stands in its truth."""

    id: str
    at: int
    play: Callable[[Stage, int], Ends]
    kind: str
    attck: tuple[str, ...]
    detector: str


@dataclass(frozen=True)
class Script:
    """A scene to be played, from `start` (ns) for so many `seconds`.

    Attacks last as long as `scale` says of what they usually do; `seed` and names tell their dice apart.
    """

    register: Register
    seed: int
    start: int
    seconds: int
    background: Sequence[Play]
    attacks: Sequence[Cue]
    scale: float = 1.0


def synthesise(path: Path, seed: int = 1, minutes: int = 10, progress: Progress | None = None) -> Scene:
    """Write the scene of `make run`, `minutes` long, to `path` and its truth beside.

    Attacks shrink in scenes shorter than ten minutes. `progress` is called now and then. Raises InputError,
    ValueError.
    """
    if minutes < 1:
        raise ValueError("a scene lasts a minute at least")
    cues = [Cue(p.id, int(p.at * minutes * 60), p.play, p.kind, p.attck, p.detector) for p in ATTACKS]
    scale = min(1.0, minutes / WINDOW_MINUTES)
    return perform(path, Script(example(), seed, START, minutes * 60, BENIGN, cues, scale), progress)


def perform(path: Path, script: Script, progress: Progress | None = None) -> Scene:
    """Write what `script` says to `path` and its truth beside; raises InputError."""
    try:
        record = _write(path, _Play(script), progress)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    hosts, attacks = script.register, tuple(record.attack(label) for label in sorted(record.runs))
    taken_over = {address for attack in attacks if not attack.spoofed for address in attack.sources}
    benign = [a for a in addresses([*hosts.hosts.values(), hosts.gateway]) if a not in taken_over]
    facts = truth.Truth(
        path.name, script.seed, -(-script.seconds // 60), record.frames, record.bytes, record.first,
        record.last, attacks, tuple(benign),
    )  # fmt: skip
    truth.save(facts, path)
    return Scene(path, truth.truth_path(path), facts)


@dataclass
class _Play:
    """A scene being played, window by window."""

    script: Script
    forge: Forge = field(default_factory=Forge)
    played: dict[int, tuple[Cue, Ends]] = field(default_factory=dict)

    def windows(self) -> Iterable[tuple[float, list[Put]]]:
        """Frames in order of time, window by window, with the share of the scene that is over then."""
        waiting: list[Put] = []
        seconds = self.script.seconds
        for number, first in enumerate(range(0, seconds, _WINDOW)):
            length = min(_WINDOW, seconds - first)
            stage = self._window(number, first, length)
            stop = self.script.start + (first + length) * SECOND
            waiting += stage.frames
            waiting.sort(key=lambda put: put.time)  # stable: equal times stay in order of playing
            now = [put for put in waiting if put.time < stop]
            waiting = waiting[len(now) :]
            yield (first + length) / seconds, now

    def _window(self, number: int, first: int, length: int) -> Stage:
        script = self.script
        start = script.start + first * SECOND
        stage = Stage(script.register, self.forge, start, float(length), script.scale)
        for play in script.background:
            stage.roll(script.seed, number, getattr(play, "__name__", ""))
            play(stage)
        for label, cue in enumerate(script.attacks, 1):
            if first <= cue.at < first + length:
                stage.roll(script.seed, number, cue.id)
                with stage.labelled(label):
                    self.played[label] = cue, cue.play(stage, script.start + cue.at * SECOND)
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
