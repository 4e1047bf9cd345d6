from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Finding, Severity, event_order
from citywall.places import Place
from citywall.settings import Settings
from stream import codecs
from stream.agents.correlate import CorrelateStage
from stream.codecs import Tally

CARD = DetectorCard(
    "scan", 1, "Scan", "扫描", (("T1046", "Network Service Discovery", "TA0007", "Discovery"),),
    "attack", "网络扫描探测", "attack",
)  # fmt: skip
SECOND = 1_000_000_000


def finding(i: int, source: str = "10.0.0.5") -> Finding:
    return Finding(
        f"{i:032x}", "scan", 1, "horizontal", "5e55", "live", i * SECOND, i * SECOND, Severity.MEDIUM, 0.9,
        10.0, 5.0, source, Endpoint(source), Endpoint("10.0.1.1"),
    )  # fmt: skip


def stage() -> CorrelateStage:
    return CorrelateStage(Settings(), {"scan": CARD})


def documents(outputs) -> dict[str, dict]:
    found = {}
    for output in outputs:
        if output.kind is codecs.Kind.DATA:
            found |= {d["event"]["id"]: d for d in codecs.unpack(output.body, list[dict])}
    return found


def test_findings_of_one_thing_are_one_alert(session, hand, topics_of):
    feeding = hand(stage(), session)
    assert topics_of(feeding.open()) == [("alerts", "open")]
    feeding.data(codecs.pack([finding(1), finding(2)]), count=2, watermark=3 * SECOND)
    feeding.data(codecs.pack([finding(3, "10.0.0.9")]), count=1, watermark=4 * SECOND)
    out = feeding.flush()
    assert [o.count for o in out] == [3]  # alert messages count the findings they stand on
    assert len(documents(out)) == 2
    ended = feeding.end(tally=Tally(findings=3))
    assert topics_of(ended) == [("alerts", "end")]
    assert codecs.unpack(ended[0].body, Tally) == Tally(findings=3)


def test_the_register_is_asked(session, hand):
    place = Place(unit="u", unit_name="单位")
    asked = CorrelateStage(Settings(), {"scan": CARD}, lambda domain, address: place)
    feeding = hand(asked, session)
    feeding.open()
    feeding.data(codecs.pack([finding(1)]), count=1, watermark=2 * SECOND)
    (document,) = documents(feeding.flush()).values()
    assert document["organization"] == {"id": "u", "name": "单位"}


def test_grouping_and_crashes_change_no_document(session, hand):
    def run(sizes: list[int], crash: int = -1) -> dict[str, dict]:
        feeding = hand(stage(), session)
        out, done = feeding.open(), 0
        for i, size in enumerate(sizes):
            body = codecs.pack([finding(done + k) for k in range(size)])
            done += size
            out += feeding.data(body, count=size, watermark=done * SECOND)
            out += feeding.flush()
            if i == crash:
                parts = feeding.stage.snapshot()
                feeding.stage = stage()
                feeding.stage.restore(parts)
        return documents(out + feeding.end())

    assert run([6]) == run([1] * 6) == run([2, 3, 1], crash=1) != {}


def test_findings_taken_before_are_left_out(session, hand):
    feeding = hand(stage(), session)
    feeding.open()
    feeding.data(
        codecs.pack([finding(1, "10.0.0.1"), finding(2, "10.0.0.2")]), count=2, skip=1, watermark=9 * SECOND
    )
    out = feeding.flush()
    assert [o.count for o in out] == [1]
    assert [d["source"]["ip"] for d in documents(out).values()] == ["10.0.0.2"]


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.lists(st.integers(0, 6), max_size=6).map(sorted), min_size=1, max_size=3),
    data=st.data(),
)
def test_findings_of_several_partitions_are_taken_in_one_order(session, hand, times, data):
    """However their messages meet, and whatever is saved between; counts are added up."""
    found = [
        [finding(t, f"10.0.{t % 2}.{p}") for t in mine] for p, mine in enumerate(times)
    ]  # fmt: skip
    found = [
        [msgspec.structs.replace(f, id=f"{p}{i:031x}") for i, f in enumerate(mine)]
        for p, mine in enumerate(found)
    ]
    feeding = hand(stage(), session)
    left, opened, out = dict(enumerate(found)), set(), []
    while left:
        partition = data.draw(st.sampled_from(sorted(left)))
        if partition not in opened:
            opened.add(partition)
            out += feeding.open(partition=partition, partitions=len(times))
            continue
        # What stays is drawn: were it what goes, nothing might go for ten thousand draws.
        n = len(left[partition]) - data.draw(st.integers(0, len(left[partition])))
        some, rest = left[partition][:n], left[partition][n:]
        if n or rest:
            promise = rest[0].time if rest else 7 * SECOND
            body = codecs.pack(some) if some else b""
            out += feeding.data(body, count=n, watermark=promise, partition=partition)
            left[partition] = rest
        else:
            out += feeding.end(tally=Tally(findings=len(found[partition])), partition=partition)
            del left[partition]
        if data.draw(st.booleans()):
            out += feeding.flush()
            parts = feeding.stage.snapshot()
            feeding.stage = stage()
            feeding.stage.restore(parts)
    alone = hand(stage(), session)
    whole = sorted((f for mine in found for f in mine), key=event_order)
    expected = alone.open() + alone.data(codecs.pack(whole), count=len(whole), watermark=8 * SECOND)
    expected += alone.flush() + alone.end(tally=Tally(findings=len(whole)))
    assert documents(out) == documents(expected)
    assert [o.kind for o in out].count(codecs.Kind.OPEN) == 1
    assert sum(o.count for o in out) == len(whole)
    assert out[-1].body == expected[-1].body
