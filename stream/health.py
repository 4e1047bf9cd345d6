"""How a run fares: what `citywall status` shows and the metrics endpoint exports.

The owner of a run writes it to `<data>/status.json` about once a second; who reads it needs no connection to
the process, and sees what was last known of one that died.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from citywall.errors import DataFolderError
from stream.board import Heard, Sensor, Status

FILE = "status.json"
#: Seconds without a word after which a live sensor is told of.
SILENT_S = 10.0
Ends = Mapping[tuple[str, int], int]  # topic, partition: the offset its next message gets


class StageHealth(msgspec.Struct):
    """A stage's partition. `lag`: messages waiting, by topic; `checkpoint_age_s` None before the first."""

    stage: str
    partition: int
    items: int
    messages: int
    cpu_seconds: float
    lag: dict[str, int]
    checkpoint_age_s: float | None


class StoreHealth(msgspec.Struct):
    """The alert store. `waiting_for` says why it is waited for just now; empty where it answers."""

    url: str
    waits: int = 0
    waited_s: float = 0.0
    waiting_for: str = ""


class RulesHealth(msgspec.Struct):
    """Rules over a live sensor's packets. `behind_s`: event time that they are behind what was metered.

    After a restart `again` blocks were matched again, and `missing` ones before them were not there any more;
    `recalling` until that is done.
    """

    behind_s: float
    blocks: int
    again: int
    missing: int
    recalling: bool


class SensorHealth(msgspec.Struct):
    """A live sensor. `behind_s`: from what was worked of it to now; it speaks at least every half second."""

    path: str
    packets: int
    dropped: int
    behind_s: float
    ended: bool
    rules: RulesHealth | None = None


class Fault(msgspec.Struct):
    """What is not as it must be: a sensor whose kernel `dropped` n packets, or one `silent` for n seconds."""

    kind: Literal["dropped", "silent"]
    sensor: str
    n: int


class JobHealth(msgspec.Struct):
    """Something the service does by itself: when it was last done (ns), and what stopped it, if anything."""

    name: str
    runs: int = 0
    at: int = 0
    took_s: float = 0.0
    failing: str = ""


class ServiceHealth(msgspec.Struct):
    """What the service does beside the stream. `files`: those of the watched folder, by what became of them.

    `stopping`: it was asked to stop, and ends what it has begun.
    """

    watch: str
    interfaces: tuple[str, ...]
    files: dict[str, int]
    jobs: list[JobHealth]
    waiting: int = 0
    stopping: bool = False
    collector: str = ""
    sensors: tuple[str, ...] = ()


class Health(msgspec.Struct):
    """A run. `at` and `began` are wall-clock ns; `totals` are packets, flows and so on, by name."""

    state: Literal["running", "finished", "failed"]
    reason: str
    pid: int
    at: int
    began: int
    transport: str
    session: int
    sessions: int
    path: str
    totals: dict[str, int]
    dead_letters: int
    peak_memory_bytes: int
    store: StoreHealth
    stages: list[StageHealth]
    sensors: list[SensorHealth] = []
    faults: list[Fault] = []
    service: ServiceHealth | None = None  # where it is the service's run


def stages_of(statuses: Sequence[Status], ends: Ends, now: float) -> list[StageHealth]:
    """Health of every station on the board, as of `now` (wall-clock s), given where its topics end."""
    return [
        StageHealth(
            s.stage, s.partition, s.items, s.messages, s.cpu,
            {t: max(ends.get((t, s.partition), 0) - offset, 0) for t, offset in sorted(s.offsets.items())},
            max(now - s.saved, 0.0) if s.saved else None,
        )
        for s in sorted(statuses, key=lambda s: (s.stage, s.partition))
    ]  # fmt: skip


def sensors_of(
    sensors: Sequence[Sensor], now: float, heard: Mapping[str, Heard] | None = None
) -> list[SensorHealth]:
    """Health of live sensors as of `now` (wall-clock s), and of the rules that hear them."""
    return [
        SensorHealth(
            s.path, s.packets, s.dropped, max(now - s.clock / 1e9, 0.0) if s.clock else 0.0, s.ended,
            _rules_of(s, (heard or {}).get(s.session)),
        )
        for s in sensors
    ]  # fmt: skip


def _rules_of(sensor: Sensor, heard: Heard | None) -> RulesHealth | None:
    if heard is None or heard.ended:
        return None
    behind = max(sensor.clock - heard.clock, 0) / 1e9 if heard.blocks else 0.0
    return RulesHealth(behind, heard.blocks, heard.again, heard.missing, heard.recalling)


def faults_of(sensors: Sequence[SensorHealth], stages: Sequence[StageHealth]) -> list[Fault]:
    """What is wrong with the sensors. One is silent where nothing of it waits to be worked."""
    found = [Fault("dropped", s.path, s.dropped) for s in sensors if s.dropped]
    if not any(stage.lag.get("capture") for stage in stages):
        found += [
            Fault("silent", s.path, int(s.behind_s))
            for s in sensors
            if s.behind_s >= SILENT_S and not s.ended
        ]
    return found


def write(data: Path, health: Health) -> None:
    """Put the status where `read` finds it, whole or not at all. Raises DataFolderError."""
    path = data / FILE
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_bytes(msgspec.json.encode(health))
        unfinished.replace(path)
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be written: {e.strerror or e}") from e


def read(data: Path) -> Health | None:
    """What was last written; None where nothing was. Raises DataFolderError where it cannot be read."""
    path = data / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Health)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be read: {e.strerror or e}") from e
    except msgspec.DecodeError as e:
        raise DataFolderError(f"{path}: damaged, or of another version ({e})") from e


def held(data: Path) -> bool:
    """Whether a process holds the data folder just now."""
    try:
        handle = os.open(data / "LOCK", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def age_s(health: Health) -> float:
    """Seconds since the status was written."""
    return max((time.time_ns() - health.at) / 1e9, 0.0)
