"""Alerts held against the truth."""

from __future__ import annotations

import pytest
from msgspec import structs

from citywall.errors import InputError
from drills.truth import AttackTruth, Truth, load, save, score, truth_path

BEGIN = 1_772_413_200


def attack(name: str, **changes) -> AttackTruth:
    facts = {
        "id": name,
        "kind": "scan",
        "attck": ("T1046",),
        "detector": "scan",
        "sources": ("192.0.2.66",),
        "targets": ("10.20.1.0/24",),
        "spoofed": False,
        "frames": ((3, 5), (9, 9)),
        "first_frame": 3,
        "last_frame": 9,
        "packets": 4,
        "start": (BEGIN + 100) * 10**9,
        "end": (BEGIN + 160) * 10**9,
    }
    return AttackTruth(**(facts | changes))


FLOOD = attack("flood", kind="dos", detector="flood", sources=(), targets=("10.20.1.10",), spoofed=True)
TRUTH = Truth(
    "x.pcap",
    1,
    10,
    9,
    900,
    BEGIN * 10**9,
    (BEGIN + 600) * 10**9,
    (attack("scan"), FLOOD),
    ("10.20.1.10", "10.20.30.11"),
)


def alert(
    name: str = "a",
    detector: str = "scan",
    source: str = "",
    target: str = "",
    severity: int = 3,
    at: str = "01:00+00:00",
) -> dict:
    document = {
        "event": {
            "id": name,
            "severity": severity,
            "start": f"2026-03-02T01:02:{at}",
            "end": f"2026-03-02T01:02:{at}",
        },
        "citywall": {"detector": {"name": detector}},
    }
    if source:
        document["source"] = {"address": source, "ip": source}
    if target:
        document["destination"] = {"address": target}
    return document


def test_everything_found():
    result = score(
        TRUTH,
        [
            alert("a", "scan", "192.0.2.66"),
            alert("b", "flood", "", "10.20.1.0/24"),
            alert("c", "scan", "192.0.2.66", "10.20.1.9"),
        ],
    )
    assert result.found == {"scan": ["a", "c"], "flood": ["b"]}
    assert result.perfect
    assert result.others == []


@pytest.mark.parametrize(
    "wrong",
    [
        alert(source="192.0.2.67"),
        alert(detector="flood", target="10.20.1.11"),
        alert(source="192.0.2.66", target="10.9.9.9"),
        alert(detector="brute_force", source="10.20.30.11"),
        alert(source="not an address"),
        {},
    ],
)
def test_what_finds_nothing(wrong):
    result = score(TRUTH, [wrong])
    assert result.missed == ["scan", "flood"]
    assert not result.perfect


def test_false_alerts_and_what_is_none():
    alerts = [
        alert("benign", "scan", "10.20.30.11"),
        alert("informational", "scan", "10.20.30.11", severity=1),
        alert("other", "bruteforce", "192.0.2.66", "10.20.1.22"),
        alert("strange", "flood", "", "10.20.1.77"),
        alert("spoofed", "scan", "203.0.113.99"),
    ]
    result = score(TRUTH, alerts)
    assert result.false_alerts == ["benign", "strange", "spoofed"]
    assert result.about_benign == ["benign"]
    assert result.others == ["other"]


def test_a_botnet_may_be_accused_of_more():
    bots = attack("bots", kind="dos", detector="flood", targets=("10.20.1.10",))
    truth = structs.replace(TRUTH, attacks=(bots,))
    result = score(
        truth, [alert("a", "scan", "192.0.2.66", "10.20.1.10"), alert("b", "flood", "", "10.20.1.10")]
    )
    assert result.found == {"bots": ["b"]}
    assert result.others == ["a"]
    assert result.perfect


def test_an_alert_at_another_time_is_false():
    late = alert(source="192.0.2.66")
    late["event"]["start"] = late["event"]["end"] = "2026-03-02T01:09:59.5Z"
    result = score(TRUTH, [late])
    assert result.false_alerts == ["a"]
    undated = alert(source="192.0.2.66")
    del undated["event"]["start"], undated["event"]["end"]
    assert score(TRUTH, [undated | {"@timestamp": "2026-03-02T01:02:00Z"}]).found == {"scan": ["a"]}
    assert score(TRUTH, [undated]).false_alerts == ["a"]


def test_names_of_detectors_may_be_written_either_way():
    truth = structs.replace(TRUTH, attacks=(attack("g", detector="bruteforce"),))
    for name in ("bruteforce", "brute_force", "brute-force"):
        assert score(truth, [alert(detector=name, source="192.0.2.66")]).found == {"g": ["a"]}
    plain = {
        "rule": {"id": "brute_force"},
        "source": {"ip": "192.0.2.66"},
        "@timestamp": "2026-03-02T01:02:00Z",
        "_id": "z",
    }
    assert score(truth, [plain]).found == {"g": ["z"]}


def test_saved_and_loaded(tmp_path):
    capture = tmp_path / "x.pcap"
    save(TRUTH, capture)
    assert truth_path(capture).name == "x.pcap.truth.json"
    assert load(capture) == TRUTH
    truth_path(capture).write_text("{}")
    with pytest.raises(InputError, match="not the truth"):
        load(capture)
    with pytest.raises(InputError):
        load(tmp_path / "other.pcap")
