from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import CLOSED, END, EVENT, FLOW
from citywall.sessions import Session
from citywall.watermarks import END_OF_TIME
from stream import codecs
from stream.agents.emitting import ROWS, Emitter, topics
from stream.codecs import Opening, Tally


def reports(n: int, ends: int = 0) -> tuple[np.ndarray, np.ndarray]:
    flows, closed = np.zeros(n, FLOW), np.zeros(ends, CLOSED)
    flows["flow_id"] = np.arange(n)
    flows["kind"][:ends] = END
    closed["flow_id"] = flows["flow_id"][:ends]
    return flows, closed


@pytest.mark.parametrize("archive", [True, False])
def test_a_session_opens_and_ends_everywhere(session: Session, topics_of, archive: bool):
    emitter = Emitter(session.id, archive=archive)
    assert topics_of(emitter.open(Opening(session))) == [(t, "open") for t in topics(archive=archive)]
    ended = list(emitter.end(Tally(packets=3)))
    assert topics_of(ended) == [
        ("events", "end"),
        *((t, "end") for t in topics(archive=archive) if t != "events"),
    ]
    assert [codecs.unpack(o.body, Tally).packets for o in ended] == [0, *[3] * (len(ended) - 1)]
    assert all(o.watermark == END_OF_TIME for o in ended)


def test_events_can_end_before_flows_which_then_promise_by_id(session: Session, topics_of):
    emitter = Emitter(session.id, archive=False)
    emitter.add_events(np.zeros(2, EVENT))
    assert topics_of(emitter.end_events()) == [("events", "data"), ("flows", "data"), ("events", "end")]
    assert list(emitter.add(*reports(3), 9, 2)) == []
    assert [(o.topic, o.watermark, o.mark, o.beside) for o in emitter.flush()] == [("flows", 9, 2, "")]
    assert list(emitter.add(*reports(3), 9, 1)) == []  # no promise is taken back
    assert [o.mark for o in emitter.flush()] == [2]
    assert topics_of(emitter.end(Tally())) == [("flows", "end")]


def test_rows_wait_for_company_and_go_out_in_order(session: Session, topics_of):
    emitter = Emitter(session.id, archive=True)
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
    emitter = Emitter(session.id, archive=False)
    emitter.promise(9)
    out = list(emitter.flush())
    assert [(o.topic, o.count, o.watermark, o.beside) for o in out] == [("flows", 0, 9, "events")]
    emitter.promise(8)
    assert list(emitter.flush()) == []


def test_many_rows_go_out_at_once(session: Session, topics_of):
    emitter = Emitter(session.id, archive=False)
    out = list(emitter.add(*reports(ROWS), 1))
    assert [(o.topic, o.count) for o in out] == [("flows", ROWS)]
