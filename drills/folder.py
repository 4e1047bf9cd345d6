"""The folder of a drill: what was planned, what became of it.

::

    plan.json                    the drill: name, digest, seed, and the digests of what follows
    scenario.yaml                the scenario as it was written (where it was), scenario.json as it was read
    register/                    the register it is played with
    capture.pcap                 what is replayed, and capture.pcap.truth.json what is true of it
    run.json                     the run: when, how fast, which session
    seen.jsonl                   when each alert was first there, by the wall clock
    stream/                      the stream's own: log, checkpoints, archive of flows
    report/                      the record pack

What was planned does not change: `verify` holds it against its digests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from citywall import canonical, sm3
from citywall.errors import DrillError, InputError
from drills import planning, truth, truthfile
from drills.scenario import Scenario, Words
from drills.scene import Progress
from posture import reading as registers
from posture.fields import identifier
from posture.nodes import Scalar
from stream.local.folder import replace_file

VERSION = 1
CAPTURE = "capture.pcap"
_PLAN, _YAML, _READ, _REGISTER = "plan.json", "scenario.yaml", "scenario.json", "register"
_PIECE = 1 << 20


class Part(msgspec.Struct, frozen=True):
    """A file of a drill and its digests, in hexadecimal digits."""

    path: str
    bytes: int
    sm3: str
    sha256: str


class Drill(msgspec.Struct, frozen=True):
    """A drill that was planned. `digest` is of what is played and expected; `planned_at` in ns of wall clock.

    `id` tells it apart from every other drill, of the same scenario too.
    """

    version: int
    id: str
    name: str
    scenario: str
    title: Words
    digest: str
    seed: int
    planned_at: int
    files: tuple[Part, ...]

    def part(self, path: str) -> Part:
        """One of its files; raises DrillError."""
        for part in self.files:
            if part.path == path:
                return part
        raise DrillError("damaged", name=self.name, file=path)


class Planned(msgspec.Struct, frozen=True):
    """A drill with what it plays and what is true of that."""

    folder: Path
    drill: Drill
    scenario: Scenario
    truth: truth.Truth

    @property
    def capture(self) -> Path:
        """What is replayed."""
        return self.folder / CAPTURE

    @property
    def register(self) -> Path:
        """The register it is played with."""
        return self.folder / _REGISTER


def root_of(data: Path) -> Path:
    """Where the drills of a data folder are."""
    return data / "drills"


def names(root: Path) -> list[str]:
    """The drills there are."""
    if not root.is_dir():
        return []
    return sorted(p.parent.name for p in root.glob(f"*/{_PLAN}") if not p.parent.name.startswith("."))


def free_name(root: Path, scenario: str, day: str) -> str:
    """The first name that is free for a drill of a scenario on a day (`20260302`)."""
    taken, number, name = set(names(root)), 1, f"{scenario[:48]}-{day}"
    while name in taken:
        number += 1
        name = f"{scenario[:48]}-{day}-{number}"
    return name


def plan(
    scenario: Scenario,
    root: Path,
    name: str,
    now: int,
    *,
    source: Path | None = None,
    progress: Progress | None = None,
) -> Planned:
    """Make the drill `name` of a scenario, whole or not at all; `source` is the file it was read from.

    Raises DrillError where there is one of that name, FaultyInput, InputError.
    """
    _check_name(name)
    target, part = root / name, root / f".{name}.part"
    if target.exists():
        raise DrillError("exists", name=name)
    try:
        root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)  # the truth is not for everybody
        _fill(part, scenario, source, progress)
        files = tuple(_parts(part))
        digest = canonical.digest([[f.path, f.bytes, f.sm3, f.sha256] for f in files])
        made = f"{name}\0{now}\0{digest}"
        drill = Drill(
            VERSION, hashlib.sha256(made.encode()).hexdigest()[:16], name, scenario.id, scenario.title,
            digest, scenario.seed, now, files,
        )  # fmt: skip
        replace_file(part / _PLAN, _encode(drill))
        part.rename(target)
    except OSError as e:
        raise InputError(str(e.filename or part), e.strerror or str(e)) from e
    return load(root, name)


def _fill(part: Path, scenario: Scenario, source: Path | None, progress: Progress | None) -> None:
    capture = part / CAPTURE
    (part / _REGISTER).mkdir()
    for at, file in enumerate(registers.files_of([Path(scenario.register)])[0]):
        _copy(file, part / _REGISTER / f"{at}-{file.name}")
    kept = msgspec.structs.replace(scenario, register=_REGISTER, capture="", truth="")
    if scenario.recorded:
        _copy(Path(scenario.capture), capture)
        known = truthfile.read(Path(scenario.truth), Path(scenario.capture))
        known = msgspec.structs.replace(known, capture=CAPTURE)
        truth.save(known, capture)
        kept = msgspec.structs.replace(kept, capture=CAPTURE, truth=truth.truth_path(capture).name)
    else:
        known = planning.make_traffic(scenario, capture, progress).truth
    kept = msgspec.structs.replace(kept, detections=planning.expected_of(scenario, known))
    replace_file(part / _READ, _encode(kept))
    if source is not None:
        _copy(source, part / _YAML)


def load(root: Path, name: str) -> Planned:
    """The drill `name`, its small files checked against their digests; raises DrillError."""
    _check_name(name)
    folder = root / name
    try:
        drill = msgspec.json.decode((folder / _PLAN).read_bytes(), type=Drill)
    except FileNotFoundError as e:
        raise DrillError("no_such_drill", name=name, names=", ".join(names(root)) or "-") from e
    except (OSError, msgspec.DecodeError) as e:
        raise DrillError("damaged", name=name, file=_PLAN) from e
    digest = canonical.digest([[f.path, f.bytes, f.sm3, f.sha256] for f in drill.files])
    if drill.version != VERSION or drill.digest != digest:
        raise DrillError("damaged", name=name, file=_PLAN)
    check(folder, drill, lambda part: part.path != CAPTURE)
    try:
        scenario = msgspec.json.decode((folder / _READ).read_bytes(), type=Scenario)
    except (OSError, msgspec.DecodeError) as e:
        raise DrillError("damaged", name=name, file=_READ) from e
    return Planned(folder, drill, scenario, truth.load(folder / CAPTURE))


def check(folder: Path, drill: Drill, wanted: Callable[[Part], bool] = lambda _: True) -> None:
    """Hold a drill's files against their digests; raises DrillError for the first that differs."""
    for part in filter(wanted, drill.files):
        try:
            same = part_of(folder, folder / part.path) == part
        except OSError as e:
            raise DrillError("damaged", name=drill.name, file=part.path) from e
        if not same:
            raise DrillError("changed", name=drill.name, file=part.path)


def part_of(folder: Path, file: Path) -> Part:
    """A file of a folder with its digests; raises OSError."""
    first, second, size = sm3.new(), hashlib.sha256(), 0
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            first.update(piece)
            second.update(piece)
            size += len(piece)
    return Part(file.relative_to(folder).as_posix(), size, first.hexdigest(), second.hexdigest())


def _parts(folder: Path) -> Iterator[Part]:
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        yield part_of(folder, file)


def _check_name(name: str) -> None:
    from posture.fields import Bad

    try:
        identifier(Scalar(0, name, plain=True))
    except Bad as e:
        raise DrillError("bad_name", name=name[:80]) from e


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as given, target.open("xb") as kept:
        shutil.copyfileobj(given, kept, _PIECE)


def _encode(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"
