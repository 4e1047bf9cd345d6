"""Stations without Faust: nothing lost, nothing doubled, whenever one of them dies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import Interrupted, StoreError, StreamError
from citywall.sessions import Session
from ingest.capture import BlockRef, Section
from stream import codecs
from stream.codecs import Header, Kind, Opening, Tally
from stream.stages import FINISHED, SET_ASIDE, Output, Station, under


def message(kind: Kind, seq: int, body: bytes, session: str = "a") -> bytes:
    return codecs.encode(
        Header(session, "feeder", 0, kind, seq, int(kind is Kind.DATA), 0, codecs.schema_digest()), body
    )


def blocks(sizes: list[int], session: str = "a") -> list[bytes]:
    made, frame = (
        [
            message(
                Kind.OPEN, 0, codecs.pack(Opening(Session(session, "capture", "p", 1, "live", 1))), session
            )
        ],
        1,
    )
    for i, packets in enumerate(sizes):
        ref = BlockRef(session, "p", i, 0, 0, packets, frame, 0, 0, Section("pcap", False, ()))
        made.append(message(Kind.DATA, i, codecs.pack(ref), session))
        frame += packets
    made.append(message(Kind.END, len(sizes), codecs.pack(Tally()), session))
    return made


class Pipeline:
    """Logs and stations in memory. A station that dies comes back with its last checkpoint."""

    def __init__(self, standins, base: Path) -> None:
        self.base = base
        self.standins = standins
        self.stations = standins.stations(base)
        self.logs: dict[str, list[bytes]] = {"capture": [], "odd": [], "even": [], "sums": [], FINISHED: []}
        self.read = dict.fromkeys(self.logs, 0)
        self.saved = [(s.snapshot(), {}) for s in self.stations]

    def step(self, which: int, topic: str, most: int) -> None:
        station = self.stations[which]
        at = self.read[topic]
        batch = [(topic, 0, at + i, data) for i, data in enumerate(self.logs[topic][at : at + most])]
        for sending in station.work(batch):
            assert sending.partition == 0
            self.logs[sending.topic].append(sending.message)
        self.read[topic] = at + len(batch)

    def save(self, which: int) -> None:
        station = self.stations[which]
        self.saved[which] = (station.snapshot(), {t: dict(o) for t, o in station.offsets.items()})

    def crash(self) -> None:
        for station in self.stations[-1:]:
            station.stage.base.close()
        self.stations = self.standins.stations(self.base)
        for station, (parts, offsets) in zip(self.stations, self.saved, strict=True):
            station.restore(dict(parts), {t: dict(o) for t, o in offsets.items()})
            for topic in station.stage.inputs:  # what was committed may be older, never newer
                self.read[topic] = max(offsets.get(topic, {}).get(0, 0) - 1, 0)

    def finish(self) -> None:
        moved = True
        while moved:
            moved = False
            for which, station in enumerate(self.stations):
                for topic in station.stage.inputs:
                    if self.read[topic] < len(self.logs[topic]):
                        self.step(which, topic, 100)
                        moved = True


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), max_size=8), data=st.data())
def test_once_and_in_order_whatever_happens(tmp_path_factory, standins, sizes, data):
    pipeline = Pipeline(standins, tmp_path_factory.mktemp("p") / "kept.db")
    pipeline.logs["capture"] += blocks(sizes)
    for _ in range(data.draw(st.integers(0, 25))):
        act = data.draw(st.sampled_from(["step", "step", "step", "save", "crash", "feed again"]))
        which = data.draw(st.integers(0, 2))
        if act == "step":
            topic = data.draw(st.sampled_from(pipeline.stations[which].stage.inputs))
            pipeline.step(which, topic, data.draw(st.integers(1, 8)))
        elif act == "save":
            pipeline.save(which)
        elif act == "crash":
            pipeline.crash()
        else:
            pipeline.logs["capture"] += blocks(sizes)
    pipeline.finish()
    keep = pipeline.stations[-1].stage
    assert keep.kept() == standins.expected("a", sum(sizes))
    _, body = codecs.decode(pipeline.logs[FINISHED][-1])
    assert codecs.unpack(body, Tally).packets == sum(sizes)
    keep.base.close()


class Picky:
    """Refuses what it is told to."""

    name, inputs, outputs = "picky", ("capture",), ("out",)

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.refuse: dict[Kind, Exception] = {}

    def receive(self, message):
        if error := self.refuse.get(message.header.kind):
            raise error
        if message.header.kind is Kind.END:
            yield Output("out", message.header.session, Kind.END, codecs.pack(Tally(packets=1)))

    def flush(self):
        return ()

    def snapshot(self):
        return {"own": b"state"}

    def restore(self, parts):
        assert parts == {"own": b"state"}


def test_a_promise_tells_how_much_was_said_of_what_else_it_speaks_for():
    class Two(Picky):
        def receive(self, message):
            session = message.header.session
            yield Output("rare", session, Kind.DATA, b"", 3)
            yield Output("out", session, Kind.DATA, b"", 1, 7, 0, "rare")
            yield Output("out", session, Kind.DATA, b"", 1, 8)

    log = blocks([1])
    station = Station(Two())
    out = list(station.work([("capture", 0, i, data) for i, data in enumerate(log[:1])]))
    again = Station(Two())
    again.restore(station.snapshot(), station.offsets)
    out += again.work([("capture", 0, 1, log[1])])
    assert [codecs.decode(sending.message)[0].beside for sending in out] == [-1, 3, -1, -1, 6, -1]


def test_a_bad_message_is_set_aside_and_told_at_the_end():
    station = Station(Picky())
    station.stage.refuse = {Kind.DATA: ValueError("cannot be")}
    log = blocks([1, 1])
    log.insert(1, b"noise")
    out = list(station.work([("capture", 0, i, data) for i, data in enumerate(log)]))
    letters = station.take_dead()
    assert [d.reason.split(":")[0] for d in letters] == [
        "a message without a sound header",
        "ValueError",
        "ValueError",
    ]
    assert letters[1].message == log[2]
    assert letters[1].stage == "picky"
    assert station.take_dead() == []
    tally = codecs.unpack(codecs.decode(out[-1].message)[1], Tally)
    assert tally == Tally(packets=1, errors={SET_ASIDE: 2})
    assert station.ended


def test_a_session_ends_where_its_end_is_said_not_with_the_first_of_its_inputs(standins):
    """Else what a stage holds of it would be saved just before it is let go."""
    station = Station(standins.Sums())
    opening, end = blocks([])
    ended = []
    for batch in (
        [("odd", 0, 0, opening), ("even", 0, 0, opening)],
        [("odd", 0, 1, end)],
        [("even", 0, 1, end)],
        [("odd", 0, 2, opening)],
    ):
        list(station.work(batch))
        ended.append(station.ended)
    assert ended == [False, False, True, False]


@pytest.mark.parametrize(
    ("kind", "error"),
    [(Kind.DATA, StoreError("gone")), (Kind.OPEN, ValueError("open")), (Kind.END, StreamError("end"))],
)
def test_what_must_not_be_passed_over_is_raised(kind, error):
    station = Station(Picky())
    station.stage.refuse = {kind: error}
    with pytest.raises(type(error), match=str(error)):
        list(station.work([("capture", 0, i, data) for i, data in enumerate(blocks([1]))]))


def test_restored_stations_skip_what_they_stand_for():
    station = Station(Picky())
    log = blocks([1, 1])
    list(station.work([("capture", 0, i, data) for i, data in enumerate(log[:2])]))
    again = Station(Picky())
    again.restore(station.snapshot(), station.offsets)
    assert again.offsets == {"capture": {0: 2}}
    assert again.seen("capture", 0, 1)
    assert not again.seen("capture", 0, 2)
    assert not again.seen("capture", 1, 0)
    out = list(again.work([("capture", 0, i, data) for i, data in enumerate(log)]))
    assert len(out) == 1


def test_records_that_are_missing_are_no_reason_to_go_on():
    station = Station(Picky())
    log = blocks([1, 1, 1])
    with pytest.raises(Interrupted, match="capture/0 goes on at record 5, but 0 is next"):
        list(station.work([("capture", 0, 5, log[1])]))  # others committed after it was restored
    list(station.work([("capture", 0, 0, log[0])]))
    with pytest.raises(Interrupted, match="capture/0 goes on at record 2, but 1 is next"):
        list(station.work([("capture", 0, 2, log[2])]))
    assert station.offsets == {"capture": {0: 1}}


def test_parts_are_named_below_their_stage():
    assert under({"a/x": b"1", "a/y/z": b"2", "b/x": b"3"}, "a/") == {"x": b"1", "y/z": b"2"}
