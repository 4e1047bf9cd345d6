from __future__ import annotations

from stream.board import FEEDER, Board, Sensor, Status, items_of, seconds_of, sensors_of, status_of, totals_of
from stream.codecs import Header, Kind, schema_digest
from stream.stages import Station


def status(stage: str, partition: int, taken: dict[str, int] | None = None, **totals: int) -> Status:
    return Status(stage, partition, 10 * (partition + 1), totals, 1, 0.5, {"in": taken} if taken else {})


def test_what_is_taken_is_what_the_slowest_partition_took():
    board = Board()
    assert board.taken("in", "s", 2) is None
    board.note(status("a", 0, {"s": 7}))
    assert board.taken("in", "s", 2) is None
    board.note(status("a", 1, {"s": 4}))
    assert board.taken("in", "s", 2) == 4
    board.note(status("a", 1, {"s": -1}))
    assert board.taken("in", "s", 2) == 7
    board.note(status("a", 0, {"s": -1, "t": 0}))
    assert board.taken("in", "s", 2) == -1
    assert board.taken("in", "t", 2) is None
    assert board.taken("other", "s", 1) is None


def test_counts_are_of_the_whole_run():
    board = Board()
    board.note(status("a", 0, packets=5))
    board.note(status("a", 1, packets=2, flows=1))
    board.note(status("b", 0))
    assert totals_of(board.statuses()) == {"packets": 7, "flows": 1}
    assert items_of(board.statuses()) == {"a": 30, "b": 10}
    assert seconds_of(board.statuses()) == {"a": 1.0, "b": 0.5}


def test_a_station_of_ours_is_asked_itself_and_remembered_when_it_leaves(standins):
    board = Board()
    stage = standins.Numbers()
    station = Station(stage, 1)
    station.positions.admit("capture", Header("s", FEEDER, 0, Kind.OPEN, 0, 0, 0, schema_digest()))
    board.watch(station)
    assert board.taken("capture", "s", 1) == 0
    stage.totals["packets"] = 3
    assert totals_of(board.statuses()) == {"packets": 3}
    assert board.here() == [status_of(station)]
    board.leave(station)
    board.leave(station)
    stage.totals["packets"] = 4
    assert board.here() == []
    assert totals_of(board.statuses()) == {"packets": 3}


def test_who_has_ended_says_nothing_against_who_goes_on(standins):
    """An engine that is started anew may find its partitions with others."""
    board = Board()
    for partition in (0, 1):
        station = Station(standins.Numbers(), partition)
        station.positions.admit("capture", Header("s", FEEDER, 0, Kind.OPEN, 0, 0, 0, schema_digest()))
        board.watch(station)
    name = station.stage.name
    board.clear()
    assert board.here() == []
    assert board.taken("capture", "s", 2) == 0
    for partition in (0, 1):
        board.note(Status(name, partition, 0, {}, 1, 0.0, {"capture": {"s": 9}}))
    assert board.taken("capture", "s", 2) == 9


def test_what_the_next_owner_has_told_already_stands(standins):
    """Whose partitions go to another may notice it later than the other goes on."""
    board = Board()
    station = Station(standins.Numbers(), 0)
    name = station.stage.name
    station.positions.admit("capture", Header("s", FEEDER, 0, Kind.OPEN, 0, 0, 0, schema_digest()))
    board.note(Status(name, 0, 0, {}, 1, 0.0, {"capture": {"s": 5}}))
    board.watch(station)  # taken over: what was told before is old
    assert board.taken("capture", "s", 1) == 0
    board.note(Status(name, 0, 0, {}, 1, 0.0, {"capture": {"s": 7}}))  # it has gone on there
    assert board.taken("capture", "s", 1) == 0
    board.leave(station)
    assert board.taken("capture", "s", 1) == 7


def test_sensors_are_told_of_by_whoever_hears_them():
    board = Board()
    sensor = Sensor("sensor:gate:eth1", "s", 5, 1, 9)
    board.note(status("capture", 1))
    board.note(Status("capture", 0, 1, {}, 1, 0.5, {}, sensors=[sensor, Sensor("sensor:a:eth0", "t")]))
    assert [s.path for s in sensors_of(board.statuses())] == ["sensor:a:eth0", "sensor:gate:eth1"]
    assert sensors_of(board.statuses())[1] == sensor
