from __future__ import annotations

from typing import Any

import pytest

from alerts.cases import members
from citywall.errors import StoreError


def test_what_looks_around_is_about_its_source_only(make: Any) -> None:
    member = members.of(make(1, "10.0.0.5", "10.0.0.9"))
    assert (member.hosts, member.stage) == (("default/10.0.0.5",), members.RECONNAISSANCE)
    assert member.targets == ("default/10.0.0.9",)
    assert member.keys == ("host:live:default/10.0.0.5",)


def test_what_breaks_in_is_about_both_ends(make: Any) -> None:
    member = members.of(make(1, "10.0.0.5", "10.0.0.9", rule="guess", domain="edu"))
    assert member.hosts == ("edu/10.0.0.5", "edu/10.0.0.9")
    assert member.stage == members.INTRUSION


def test_a_flood_is_about_its_target(make: Any) -> None:
    document = make(1, "", "2001:db8::1", rule="flood")
    document["citywall"]["sources"] = {"count": 13, "sample": ["1.1.1.1"]}
    assert members.of(document).hosts == ("default/2001:db8::1",)


def test_few_targets_are_named_and_many_are_not(make: Any) -> None:
    document = make(1, "10.0.0.5", rule="guess")
    document["citywall"]["targets"] = {"count": 2, "sample": ["10.0.0.8", "10.0.0.7"]}
    assert members.of(document).targets == ("default/10.0.0.7", "default/10.0.0.8")
    document["citywall"]["targets"]["count"] = 9
    assert members.of(document).targets == ()


@pytest.mark.parametrize(
    ("importance", "severity", "points"), [(0, 3, 50), (3, 4, 80), (4, 4, 120), (5, 5, 200), (5, 1, 0)]
)
def test_points(make: Any, importance: int, severity: int, points: int) -> None:
    document = make(1, "10.0.0.5", severity=severity, importance=importance, unit="edu")
    assert members.of(document).points == points


def test_the_later_state_of_an_alert_wins(make: Any) -> None:
    old, new = members.of(make(1, "10.0.0.5")), members.of(make(1, "10.0.0.5", lasts=9, count=2))
    assert members.newer(old, new) is new
    assert members.newer(new, old) is new


def test_what_is_no_alert_is_named(make: Any) -> None:
    document = make(1, "10.0.0.5")
    del document["citywall"]["dedup"]
    with pytest.raises(StoreError, match="alert 00000000000000000000000000000001: is no alert"):
        members.of(document)
