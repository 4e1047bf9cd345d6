from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import ARP_REPLY, ARP_REQUEST, CLOSED, DNS_QUERY, END, EVENT, FLOW, TLS_CLIENT
from citywall.sessions import Session
from citywall.watermarks import END_OF_TIME
from stream import codecs
from stream.agents.emitting import EVENTS, ROWS, Emitter, Outlet
from stream.codecs import Opening, Tally


def reports(n: int, ends: int = 0) -> tuple[np.ndarray, np.ndarray]:
    flows, closed = np.zeros(n, FLOW), np.zeros(ends, CLOSED)
    flows["flow_id"] = np.arange(n)
    flows["kind"][:ends] = END
    closed["flow_id"] = flows["flow_id"][:ends]
    return flows, closed


@pytest.mark.parametrize("archive", [True, False])
def test_a_session_opens_and_ends_everywhere(session: Session, topics_of, archive: bool):
    emitter = Emitter(session.id, Outlet(archive))
    assert topics_of(emitter.open(Opening(session))) == [(t, "open") for t in Outlet(archive).topics]
    ended = list(emitter.end(Tally(packets=3)))
    assert topics_of(ended) == [
        ("events", "end"),
        *((t, "end") for t in Outlet(archive).topics if t != "events"),
    ]
    assert [codecs.unpack(o.body, Tally).packets for o in ended] == [0, *[3] * (len(ended) - 1)]
    assert all(o.watermark == END_OF_TIME for o in ended)


def test_events_can_end_before_flows_which_then_promise_by_id(session: Session, topics_of):
    emitter = Emitter(session.id, Outlet(archive=False))
    emitter.add_events(np.zeros(2, EVENT))
    assert topics_of(emitter.end_events()) == [("events", "data"), ("events", "end")]
    assert list(emitter.add(*reports(3), 9, 2)) == []
    assert [(o.topic, o.watermark, o.mark, o.beside) for o in emitter.flush()] == [("flows", 9, 2, "")]
    assert list(emitter.add(*reports(3), 9, 1)) == []  # no promise is taken back
    assert [o.mark for o in emitter.flush()] == [2]
    assert topics_of(emitter.end(Tally())) == [("flows", "end")]


def test_rows_wait_for_company_and_go_out_in_order(session: Session, topics_of):
    emitter = Emitter(session.id, Outlet(archive=True))
    flows, closed = reports(10, ends=4)
    assert list(emitter.add(flows, closed, 5)) == []
    emitter.add_events(np.zeros(2, EVENT))
    out = list(emitter.add(*reports(3), 7))
    assert out == []
    out = list(emitter.flush())
    assert topics_of(out) == [("events", "data"), ("flows", "data"), ("closed", "data")]
    assert [o.count for o in out] == [2, 13, 4]
    assert {o.watermark for o in out} == {7}
    assert codecs.decode_rows(b"".join(out[1].body), FLOW)["flow_id"].tolist() == [*range(10), *range(3)]
    ends, found = codecs.decode_closed(memoryview(b"".join(out[2].body)))
    assert ends["flow_id"].tolist() == found["flow_id"].tolist() == [0, 1, 2, 3]
    assert list(emitter.flush()) == []


def test_a_promise_alone_is_worth_a_message(session: Session, topics_of):
    emitter = Emitter(session.id, Outlet(archive=False))
    emitter.promise(9)
    out = list(emitter.flush())
    assert [(o.topic, o.count, o.watermark, o.beside) for o in out] == [("flows", 0, 9, "events")]
    emitter.promise(8)
    assert list(emitter.flush()) == []


class Odd:
    """Shares out by the flow id, events by the frame."""

    def flows(self, pieces):
        rows = np.concatenate(pieces)
        return [rows[rows["flow_id"] % 2 == p] for p in (0, 1)]

    def events(self, pieces):
        rows = np.concatenate(pieces)
        return [rows[rows["frame"] % 2 == p] for p in (0, 1)]


def test_rows_are_shared_out_and_everybody_is_told_what_concerns_all(session: Session):
    def told(outputs) -> list[tuple[str, int, int, str]]:
        return [(o.topic, o.partition, o.count, o.beside) for o in outputs]

    emitter = Emitter(session.id, Outlet(archive=True, partitions=2, sharing=Odd()))
    everywhere = [("flows", 0), ("flows", 1), ("events", 0), ("events", 1), ("closed", 0)]
    assert [(o.topic, o.partition) for o in emitter.open(Opening(session))] == everywhere
    list(emitter.add(*reports(5, ends=3), 7))
    events = np.zeros(1, EVENT)
    events["frame"] = 3
    emitter.add_events(events)
    out = list(emitter.flush())
    assert told(out) == [
        ("flows", 0, 3, "events"), ("events", 1, 1, ""), ("flows", 1, 2, "events"), ("closed", 0, 3, ""),
    ]  # fmt: skip
    assert codecs.decode_rows(b"".join(out[2].body), FLOW)["flow_id"].tolist() == [1, 3]
    list(emitter.add(reports(3)[0][1:2], np.zeros(0, CLOSED), 7))
    assert told(emitter.flush()) == [("flows", 1, 1, "events")]  # nothing new for the other
    emitter.promise(9)
    assert told(emitter.flush()) == [("flows", 0, 0, "events"), ("flows", 1, 0, "events")]
    ended = list(emitter.end(Tally(packets=3)))
    assert {(o.topic, o.partition) for o in ended} == set(everywhere)
    packets = {(o.topic, o.partition): codecs.unpack(o.body, Tally).packets for o in ended}
    assert packets == dict.fromkeys(everywhere, 0) | {("flows", 0): 3, ("closed", 0): 3}


def test_without_a_rule_the_first_takes_all(session: Session):
    emitter = Emitter(session.id, Outlet(archive=False, partitions=2))
    list(emitter.add(*reports(5), 7))
    assert [(o.topic, o.partition, o.count) for o in emitter.flush()] == [("flows", 0, 5), ("flows", 1, 0)]


def test_many_rows_go_out_at_once(session: Session, topics_of):
    emitter = Emitter(session.id, Outlet(archive=False))
    out = list(emitter.add(*reports(ROWS), 1))
    assert [(o.topic, o.count) for o in out] == [("flows", ROWS)]


def test_rows_are_packed_where_they_go_over_a_network(session: Session):
    sizes = {}
    for packed in (False, True):
        emitter = Emitter(session.id, Outlet(archive=True, packed=packed))
        sent = [*emitter.add(*reports(100, 20), 9), *emitter.flush()]
        bodies = {o.topic: b"".join(o.body) for o in sent}
        assert codecs.decode_rows(bodies["flows"], FLOW)["flow_id"].tolist() == list(range(100))
        ends, closed = codecs.decode_closed(memoryview(bodies["closed"]))
        assert len(ends) == len(closed) == 20
        sizes[packed] = sum(map(len, bodies.values()))
    assert sizes[True] * 4 < sizes[False]  # they are nearly all zeros here


def test_many_events_go_out_in_several_messages_of_which_the_last_promises(session: Session):
    emitter = Emitter(session.id, Outlet(archive=False))
    events = np.zeros(4 * EVENTS + 5, EVENT)
    events["frame"] = np.arange(len(events))
    emitter.promise(3)
    assert [o.watermark for o in emitter.flush()] == [3]
    emitter.add_events(events[:10])
    emitter.add_events(events[10:])
    out = list(emitter.add(*reports(0), 9))  # so many do not wait for company
    assert [(o.topic, o.count, o.watermark) for o in out] == [
        *[("events", EVENTS, 3)] * 4, ("events", 5, 9), ("flows", 0, 9),
    ]  # fmt: skip
    found = np.concatenate([codecs.decode_rows(b"".join(o.body), EVENT) for o in out if o.topic == "events"])
    assert found["frame"].tolist() == list(range(len(events)))


def test_what_applications_say_goes_to_the_archive_too(session: Session, topics_of):
    emitter = Emitter(session.id, Outlet(archive=False, record=True, partitions=2))
    assert topics_of(emitter.open(Opening(session))) == [
        *[("flows", "open")] * 2, *[("events", "open")] * 2, ("said", "open"),
    ]  # fmt: skip
    events = np.zeros(5, EVENT)
    events["kind"] = (ARP_REQUEST, DNS_QUERY, TLS_CLIENT, ARP_REPLY, DNS_QUERY)
    emitter.add_events(events)
    out = list(emitter.flush())
    assert [(o.topic, o.count) for o in out] == [("said", 3), ("events", 5)]
    kinds = codecs.decode_rows(b"".join(out[0].body), EVENT)["kind"].tolist()
    assert kinds == [DNS_QUERY, TLS_CLIENT, DNS_QUERY]
    assert [o.topic for o in emitter.end(Tally())] == ["events", "events", "said", "flows", "flows"]
