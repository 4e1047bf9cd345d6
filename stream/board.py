"""How far every station of a run is: those of this process, and what other processes tell of theirs."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stream.stages import Station

_Place = tuple[str, int]  # stage, partition
FEEDER = "feeder"
#: Live packets on their way to the rules, and who says them.
PACKETS = "packets"
_SAID_BY = {PACKETS: "capture"}


class Sensor(msgspec.Struct, array_like=True, frozen=True):
    """What came of a live sensor since the run began. `clock`: event time it has reached, ns.

    `dropped` are packets that its kernel had to drop. `ended`: its session is over.
    """

    path: str
    session: str
    packets: int = 0
    dropped: int = 0
    clock: int = 0
    ended: bool = False


class Heard(msgspec.Struct, array_like=True, frozen=True):
    """How far rules are with the packets of a live session. `clock`: event time they have reached, ns.

    After a restart `again` blocks were read again, and `missing` ones before them are not there any more;
    `recalling` until that is done.
    """

    path: str
    session: str
    blocks: int = 0
    clock: int = 0
    again: int = 0
    missing: int = 0
    recalling: bool = False
    ended: bool = False


class Status(msgspec.Struct, array_like=True):
    """What a station has done.

    `taken`: next ordinal of what the feeder fed, by topic and session, -1 when it is over. `offsets`: next
    offset of its partition by topic. `saved`: wall-clock second of the last checkpoint, 0 before it.
    """

    stage: str
    partition: int
    items: int
    totals: dict[str, int]
    messages: int
    cpu: float
    taken: dict[str, dict[str, int]]
    offsets: dict[str, int] = {}
    saved: float = 0.0
    saving: float = 0.0
    sensors: list[Sensor] = []
    heard: list[Heard] = []


def status_of(station: Station) -> Status:
    """The status as it stands."""
    return Status(
        station.stage.name, station.partition, station.items, dict(station.stage.totals),
        station.cost.messages, station.cost.cpu, station.positions.of(FEEDER) | _passed(station),
        {topic: station.offsets.get(topic, {}).get(station.partition, 0) for topic in station.stage.inputs},
        station.saved,
        station.cost.saving,
        list(getattr(station.stage, "sensors", {}).values()),
        list(getattr(station.stage, "hearings", {}).values()),
    )  # fmt: skip


def _passed(station: Station) -> dict[str, dict[str, int]]:
    """Of topics that a stage says for the feeder."""
    return {
        topic: taken
        for topic, stage in _SAID_BY.items()
        if topic in station.stage.inputs and (taken := station.positions.of(stage).get(topic))
    }


class Board:
    """The newest status of every station."""

    def __init__(self) -> None:
        self._here: dict[_Place, Station] = {}
        self._there: dict[_Place, Status] = {}

    def watch(self, station: Station) -> None:
        """A station works in this process from now on."""
        place = (station.stage.name, station.partition)
        self._here[place] = station
        self._there.pop(place, None)

    def leave(self, station: Station) -> None:
        """It does so no more; what it had done stays on the board until another tells.

        Who works it now may have told already: that stands, for they tell nothing more until they go on.
        """
        place = (station.stage.name, station.partition)
        if self._here.get(place) is station:
            self._there.setdefault(place, status_of(self._here.pop(place)))

    def clear(self) -> None:
        """No station works in this process any more; what they had done stays until others tell."""
        for station in list(self._here.values()):
            self.leave(station)

    def note(self, status: Status) -> None:
        """Another process tells of a station."""
        self._there[status.stage, status.partition] = status

    def here(self) -> list[Status]:
        """Those of this process."""
        return [status_of(station) for station in self._here.values()]

    def statuses(self) -> list[Status]:
        """All, those of this process first-hand."""
        here = {place: status_of(station) for place, station in self._here.items()}
        return list((self._there | here).values())

    def taken(self, topic: str, session: str, partitions: int) -> int | None:
        """Items of a session taken by every partition of a topic: None before all opened it, -1 after."""
        here = [
            station.positions.taken(topic, session, _SAID_BY.get(topic, FEEDER))
            for station in self._here.values()
            if topic in station.stage.inputs
        ]
        there = [
            status.taken.get(topic, {}).get(session)
            for place, status in self._there.items()
            if place not in self._here
        ]
        known = [n for n in here + there if n is not None]
        if len(known) < partitions:
            return None
        going = [n for n in known if n >= 0]
        return min(going) if going else -1


def sensors_of(statuses: Iterable[Status]) -> list[Sensor]:
    """Live sensors, by path."""
    found = {sensor.path: sensor for status in statuses for sensor in status.sensors}
    return [found[path] for path in sorted(found)]


def heard_of(statuses: Iterable[Status]) -> dict[str, Heard]:
    """How far rules are with live sensors, by session."""
    return {heard.session: heard for status in statuses for heard in status.heard}


def totals_of(statuses: Iterable[Status]) -> dict[str, int]:
    """Counts of the whole run by name."""
    totals: dict[str, int] = {}
    for status in statuses:
        for name, n in status.totals.items():
            totals[name] = totals.get(name, 0) + n
    return totals


def items_of(statuses: Iterable[Status]) -> dict[str, int]:
    """Items taken by stage."""
    items: dict[str, int] = {}
    for status in statuses:
        items[status.stage] = items.get(status.stage, 0) + status.items
    return items


def seconds_of(statuses: Iterable[Status]) -> dict[str, float]:
    """Processor seconds by stage, of those that did something."""
    seconds: dict[str, float] = {}
    for status in statuses:
        if status.messages:
            seconds[status.stage] = seconds.get(status.stage, 0.0) + status.cpu
    return seconds
