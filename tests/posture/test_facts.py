from __future__ import annotations

from typing import Any

from alerts.workflow import Step, Workflow
from posture.facts import Home, Touched, fact, facts

HOME = Home(("10.0.0.0/8", "fd00::/8"))


def document(**citywall: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2024-05-01T12:00:00Z",
        "event": {"id": "a1", "severity": 4, "ingested": "2024-05-01T12:00:05Z"},
        "rule": {"id": "scan", "name": "Scan", "category": "attack"},
        "source": {"address": "192.0.2.1", "ip": "192.0.2.1"},
        "organization": {"id": "data", "name": "大数据局"},
        "citywall": {
            "rule_name_zh": "扫描", "axis": "attack",
            "gb20986": {"class": "attack", "subclass": "网络扫描探测", "level": None},
            "dedup": {"last_seen": "2024-05-01T12:10:00Z"},
            "targets": {"count": 9, "sample": ["10.0.0.5", "10.0.0.6"]},
            **citywall,
        },
    }  # fmt: skip


def test_an_alert_of_many_targets():
    found = fact(document(), None, HOME)
    assert (found.id, found.severity, found.axis, found.gb_level) == ("a1", 4, "attack", None)
    assert (found.source, found.target, found.inside) == ("192.0.2.1", "", False)
    assert (found.last - found.time, found.received - found.time) == (600_000_000_000, 5_000_000_000)
    assert (found.status, found.acknowledged, found.complete) == ("new", None, True)


def test_a_side_of_one_host_or_network():
    one = document(targets={"count": 1, "sample": ["10.0.0.5"]})
    assert fact(one, None, HOME).target == "10.0.0.5"
    assert fact(document(destination={"network": "10.0.0.0/24"}), None, HOME).target == "10.0.0.0/24"


def test_what_is_missing_is_incomplete():
    assert not fact(document(targets={"count": 0, "sample": []}), None, HOME).complete
    bare = fact({"@timestamp": "2024-05-01T12:00:00Z"}, None, HOME)
    assert (bare.complete, bare.gb_class, bare.severity, bare.inside) == (False, "other", 1, None)


def test_what_people_made_of_it():
    steps = (Step(5, "li", note="?"), Step(9, "li", owner="li"), Step(12, "li", status="resolved"))
    workflow = Workflow("resolved", "li", steps)
    (found,) = facts([document()], {"a1": workflow}, HOME)
    assert (found.status, found.owner, found.acknowledged) == ("resolved", "li", 9)


def test_systems_touched_each_once():
    portal = {"system_id": "portal", "unit_id": "data", "importance": 4}
    places = {
        "dst": [portal, {**portal, "importance": 5}, {"unit_id": "civil"}],
        "src": [{"system_id": "portal", "unit_id": "data"}],
    }
    assert fact(document(asset=places), None, HOME).touched == (
        Touched("origin", "portal", "data"), Touched("target", "", "civil"),
    )  # fmt: skip
    places["src"] = []
    assert fact(document(asset=places), None, HOME).touched[0] == Touched("target", "portal", "data", 5)


def test_home():
    texts = ("10.1.2.3", "10.0.0.0/24", "fd00::1", "192.0.2.1", "::1", "", "aa:bb")
    assert [HOME.holds(text) for text in texts] == [
        True, True, True, False, False, None, None,
    ]  # fmt: skip
