from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.batches import EVENT, FLOW
from citywall.errors import StreamError
from citywall.findings import Finding, Severity
from citywall.state import Parts, bytes_of
from citywall.watermarks import END_OF_TIME
from stream import codecs
from stream.agents.detect import DetectStage
from stream.codecs import Opening, Tally
from stream.scoring import Scored


class Counting:
    """A set of detectors: says of every flow and event how many came before it."""

    def __init__(self) -> None:
        self.seen = 0
        self.closed = 0

    def process(self, reports, events, session: str, lane: str) -> list[Finding]:
        found = []
        for row in [*reports, *events]:
            found.append(self._finding(int(row["time"]), session, lane))
            self.seen += 1
        return found

    def _finding(self, time: int, session: str, lane: str) -> Finding:
        return Finding(
            f"{self.seen:04}", "counting", 1, "row", session, lane, time, time, Severity.LOW, 1, 1, 1, "e"
        )

    def close(self, session: str, lane: str) -> list[Finding]:
        last = [self._finding(END_OF_TIME, session, lane)]
        self.seen = 0
        return last

    def snapshot(self) -> Parts:
        return {"seen": str(self.seen).encode()}

    def restore(self, parts: Parts) -> None:
        self.seen = int(bytes_of(parts, "seen"))


def body(rows: np.ndarray) -> bytes:
    return b"".join(codecs.encode_rows(rows.dtype, [rows]))


def flows(*times: int) -> np.ndarray:
    rows = np.zeros(len(times), FLOW)
    rows["time"] = times
    rows["flow_id"] = np.arange(len(times))
    return rows


def findings(outputs) -> list[tuple[str, int]]:
    found = []
    for output in outputs:
        if output.kind is codecs.Kind.DATA:
            some = codecs.unpack(output.body, list[Finding])
            assert output.count == len(some)
            found += [(f.id, f.time) for f in some]
    return found


def test_rows_are_seen_in_order_and_findings_counted(session, hand, topics_of):
    feeding = hand(DetectStage(Counting), session)
    assert topics_of(feeding.open("flows")) == [("findings", "open")]
    assert feeding.open("events") == []
    feeding.data(body(flows(1, 4, 6)), topic="flows", count=3, watermark=6)
    assert feeding.flush() == []  # the events may still hold something earlier
    events = np.zeros(1, EVENT)
    events["time"] = 3
    feeding.data(body(events), topic="events", count=1, watermark=5)
    assert findings(feeding.flush()) == [("0000", 1), ("0002", 3), ("0001", 4)]
    feeding.end("events")
    out = feeding.end("flows", Tally(packets=9, errors={"x": 1}))
    assert findings(out) == [("0003", 6), ("0004", END_OF_TIME)]
    tally = codecs.unpack(out[-1].body, Tally)
    assert tally == Tally(packets=9, findings=5, errors={"x": 1})
    assert feeding.stage.totals == {"findings": 5}


def test_flows_wait_for_events_said_before_them_and_for_no_others(session, hand):
    feeding = hand(DetectStage(Counting), session)
    feeding.open("flows")
    feeding.open("events")
    feeding.data(body(flows(1)), topic="flows", count=1, watermark=2, beside=0)
    assert findings(feeding.flush()) == [("0000", 1)]
    feeding.data(body(flows(4)), topic="flows", count=1, watermark=5, beside=2)
    assert findings(feeding.flush()) == []
    parts = feeding.stage.snapshot()
    feeding.stage = DetectStage(Counting)
    feeding.stage.restore(parts)
    events = np.zeros(2, EVENT)
    events["time"] = 3
    feeding.data(body(events), topic="events", count=2, watermark=3)
    assert [time for _, time in findings(feeding.flush())] == [3, 3, 4]


def test_nobody_waits_for_events_that_cannot_be_read(session, hand):
    feeding = hand(DetectStage(Counting), session)
    feeding.open("flows")
    feeding.open("events")
    with pytest.raises(StreamError):
        feeding.data(b"no rows", topic="events", count=2, watermark=1)
    feeding.data(body(flows(4)), topic="flows", count=1, watermark=5, beside=2)
    assert findings(feeding.flush()) == [("0000", 4)]


def test_items_taken_before_are_left_out(session, hand):
    feeding = hand(DetectStage(Counting), session)
    feeding.open("flows")
    feeding.open("events")
    feeding.data(body(flows(1, 2, 3)), topic="flows", count=3, watermark=9, skip=2)
    feeding.end("events")
    assert findings(feeding.flush()) == [("0000", 3)]


def test_findings_of_one_time_wait_for_each_other_and_promises_are_kept(session, hand):
    """Rows of one time may be released in two parts, and be cut elsewhere in a replay."""

    class Falling(Counting):
        def _finding(self, time: int, session: str, lane: str) -> Finding:
            return msgspec.structs.replace(super()._finding(time, session, lane), score=-self.seen)

    feeding = hand(DetectStage(Falling, 2), session)
    (opened,) = feeding.open("flows")
    assert codecs.unpack(opened.body, Opening).partitions == 2
    feeding.open("events")
    feeding.end("events")
    feeding.data(body(flows(1, 5)), topic="flows", count=2, watermark=5, mark=2)
    out = feeding.flush()
    assert (findings(out), out[-1].watermark) == ([("0000", 1)], 5)
    parts = feeding.stage.snapshot()
    feeding.stage = DetectStage(Falling, 2)
    feeding.stage.restore(parts)
    feeding.data(b"", topic="flows", watermark=5, mark=3)
    assert feeding.flush() == []
    rows = flows(5)
    rows["flow_id"] = 3
    feeding.data(body(rows), topic="flows", count=1, watermark=6)
    out = feeding.flush()
    assert (findings(out), out[-1].watermark) == ([("0002", 5), ("0001", 5)], 6)
    feeding.data(b"", topic="flows", watermark=8)
    assert [(o.count, o.watermark) for o in feeding.flush()] == [(0, 8)]  # the others wait for it
    assert feeding.flush() == []
    assert findings(feeding.end("flows")) == [("0003", END_OF_TIME)]


@pytest.mark.parametrize("crash_at", range(6))
def test_a_crash_changes_nothing(session, hand, crash_at):
    def run(crash: int) -> list[tuple[str, int]]:
        feeding = hand(DetectStage(Counting), session)
        steps = [
            lambda: feeding.open("flows"),
            lambda: feeding.open("events"),
            lambda: feeding.data(body(flows(1, 5)), topic="flows", count=2, watermark=5),
            lambda: feeding.data(b"", topic="events", watermark=4),
            lambda: feeding.end("events"),
            lambda: feeding.end("flows"),
        ]
        out = []
        for i, step in enumerate(steps):
            out += step()
            out += feeding.flush()
            if i == crash:
                parts = feeding.stage.snapshot()
                feeding.stage = DetectStage(Counting)
                feeding.stage.restore(parts)
        return findings(out)

    assert run(crash_at) == run(-1) == [("0000", 1), ("0001", 5), ("0002", END_OF_TIME)]


def test_tables_serve_the_next_session(session, hand):
    made = []

    def make() -> Counting:
        made.append(Counting())
        return made[-1]

    stage = DetectStage(make)
    for name in ("one", "two", "three"):
        feeding = hand(stage, type(session)(name, "capture", "p", 1, "live", 1))
        feeding.open("flows")
        feeding.open("events")
        feeding.data(body(flows(1)), topic="flows", count=1, watermark=1)
        feeding.end("events")
        assert findings(feeding.end("flows")) == [("0000", 1), ("0001", END_OF_TIME)]
    assert len(made) == 1


def test_without_detectors_nothing_is_held(session, hand, topics_of):
    feeding = hand(DetectStage(None), session)
    feeding.open("flows")
    feeding.open("events")
    feeding.data(body(flows(1)), topic="flows", count=1, watermark=1)
    feeding.end("events")
    out = feeding.end("flows", Tally(packets=1))
    assert topics_of(out) == [("findings", "end")]
    assert codecs.unpack(out[0].body, Tally) == Tally(packets=1)


class Slow:
    """A model: says of every ten nanoseconds that they are over."""

    def __init__(self) -> None:
        self.told = 0

    def process(self, reports, session: str, lane: str) -> list[Finding]:
        return []

    def advance(self, frontier: int, session: str, lane: str) -> list[Finding]:
        found = []
        while self.told + 10 < min(frontier, 45):
            self.told += 10
            name = f"m{self.told}"
            found.append(
                Finding(name, "slow", 1, "over", session, lane, self.told, 0, Severity.LOW, 1, 1, 1, "e")
            )
        return found

    def reset(self) -> None:
        self.told = 0

    def snapshot(self) -> Parts:
        return {"told": str(self.told).encode()}

    def restore(self, parts: Parts) -> None:
        self.told = int(bytes_of(parts, "told"))


def test_models_speak_of_time_that_is_over(session, hand):
    """Beside a session's detectors stand models, which hear how far the stream's promise has come."""

    def make() -> Scored:
        return Scored(Counting(), Slow())  # type: ignore[arg-type]

    feeding = hand(DetectStage(make), session)
    feeding.open("flows")
    feeding.open("events")
    feeding.end("events")
    feeding.data(body(flows(1, 4)), topic="flows", count=2, watermark=12)
    assert findings(feeding.flush()) == [("0000", 1), ("0001", 4), ("m10", 10)]
    parts = feeding.stage.snapshot()
    feeding.stage = DetectStage(make)
    feeding.stage.restore(parts)
    feeding.data(body(flows(33)), topic="flows", count=1, watermark=34)
    assert findings(feeding.flush()) == [("m20", 20), ("m30", 30), ("0002", 33)]
    assert findings(feeding.end("flows")) == [("m40", 40), ("0003", END_OF_TIME)]


def test_what_signatures_find_comes_in_its_time_and_once_after_a_restore(session, hand):
    taken = []

    def signed(told):
        made = Counting()
        for times, clock in (((2,), 3), ((3, 9), 9), ((12,), 15), ((), END_OF_TIME)):
            taken.append(clock)
            yield (
                [msgspec.structs.replace(made._finding(t, told.id, told.lane), id=f"s{t}") for t in times],
                clock,
            )

    feeding = hand(DetectStage(Counting, signatures=signed), session)
    feeding.open("flows")
    feeding.open("events")
    feeding.data(body(flows(1, 4)), topic="flows", count=2, watermark=5, beside=0)
    assert findings(feeding.flush()) == [("0000", 1), ("s2", 2), ("s3", 3), ("0001", 4)]
    assert taken == [3, 9]  # as far as the flows are complete, and no further
    parts = feeding.stage.snapshot()
    feeding.stage = DetectStage(Counting, signatures=signed)
    feeding.stage.restore(parts)
    assert taken == [3, 9, 3, 9]
    feeding.end("events")
    assert findings(feeding.end("flows")) == [("s9", 9), ("s12", 12), ("0002", END_OF_TIME)]
