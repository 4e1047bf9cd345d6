from __future__ import annotations

from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Finding, Severity
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
    feeding.data(codecs.pack([finding(1), finding(2)]), count=2)
    feeding.data(codecs.pack([finding(3, "10.0.0.9")]), count=1)
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
    feeding.data(codecs.pack([finding(1)]), count=1)
    (document,) = documents(feeding.flush()).values()
    assert document["organization"] == {"id": "u", "name": "单位"}


def test_grouping_and_crashes_change_no_document(session, hand):
    def run(sizes: list[int], crash: int = -1) -> dict[str, dict]:
        feeding = hand(stage(), session)
        out, done = feeding.open(), 0
        for i, size in enumerate(sizes):
            out += feeding.data(codecs.pack([finding(done + k) for k in range(size)]), count=size)
            done += size
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
    feeding.data(codecs.pack([finding(1, "10.0.0.1"), finding(2, "10.0.0.2")]), count=2, skip=1)
    out = feeding.flush()
    assert [o.count for o in out] == [1]
    assert [d["source"]["ip"] for d in documents(out).values()] == ["10.0.0.2"]
