from __future__ import annotations

from typing import Any

import msgspec

from alerts.cases import grouping, members
from alerts.cases.grouping import grouped
from citywall.casesettings import CaseSettings

RULES = CaseSettings()
HOUR = 3600


def numbers(*documents: Any, rules: CaseSettings = RULES) -> list[list[int]]:
    """The groups that documents fall into, by their numbers."""
    groups = grouped([members.of(d) for d in documents], rules)
    return [[int(m.id, 16) for m in g.members] for g in groups]


def test_one_host_within_the_window_is_one_group(make: Any) -> None:
    alerts = [make(n, "10.0.0.5", at=at) for n, at in enumerate((0, 4 * HOUR, 8 * HOUR + 1), 1)]
    assert numbers(*alerts) == [[1, 2], [3]]
    assert numbers(*reversed(alerts)) == [[1, 2], [3]]


def test_an_alert_that_goes_on_keeps_its_group_open(make: Any) -> None:
    assert numbers(make(1, "10.0.0.5", lasts=3 * HOUR), make(2, "10.0.0.5", at=7 * HOUR)) == [[1, 2]]


def test_a_later_stage_joins_within_a_day(make: Any) -> None:
    scan, guess = make(1, "10.0.0.5"), make(2, "10.0.0.5", "10.0.0.9", rule="guess", at=20 * HOUR)
    assert numbers(scan, guess) == [[1, 2]]
    assert numbers(make(1, "10.0.0.5", rule="guess"), make(2, "10.0.0.5", at=20 * HOUR)) == [[1], [2]]


def test_who_was_broken_into_and_attacks_is_one_story(make: Any) -> None:
    first = make(1, "198.51.100.7", "10.0.0.9", rule="guess")
    pivot = make(2, "10.0.0.9", at=HOUR)
    scanned_only = make(3, "198.51.100.8", "10.0.0.9", at=HOUR)
    assert numbers(first, pivot, scanned_only) == [[1, 2], [3]]


def test_two_groups_become_one_where_an_alert_touches_both(make: Any) -> None:
    one, other = make(1, "10.0.0.5"), make(2, "10.0.0.9", at=5)
    both = make(3, "10.0.0.5", "10.0.0.9", rule="guess", at=9)
    after = make(4, "10.0.0.9", at=20)
    assert numbers(one, other, both, after) == [[1, 2, 3, 4]]


def test_domains_and_lanes_are_kept_apart(make: Any) -> None:
    assert numbers(
        make(1, "10.0.0.5"), make(2, "10.0.0.5", domain="edu"), make(3, "10.0.0.5", lane="drill")
    ) == [[1], [2], [3]]


def test_a_group_ends_by_length_and_by_size(make: Any) -> None:
    alerts = [make(n, "10.0.0.5", at=n * HOUR) for n in range(30)]
    day = msgspec.structs.replace(RULES, cap_s=24 * HOUR)
    assert [len(g) for g in numbers(*alerts, rules=day)] == [25, 5]
    small = msgspec.structs.replace(RULES, max_alerts=10)
    assert [len(g) for g in numbers(*alerts, rules=small)] == [10, 10, 10]


def test_who_names_no_host_is_alone(make: Any) -> None:
    assert numbers(make(1), make(2)) == [[1], [2]]


def test_what_meets_could_be_linked_and_what_does_not_could_not(make: Any) -> None:
    def extent(*documents: Any) -> grouping.Extent:
        return grouping.Extent.of([members.of(d) for d in documents])

    scan = extent(make(1, "10.0.0.5", lasts=HOUR))
    soon, late = make(2, "10.0.0.5", at=5 * HOUR), make(3, "10.0.0.5", at=6 * HOUR)
    later_stage = make(4, "10.0.0.5", rule="guess", at=25 * HOUR)
    assert [scan.meets(extent(d), RULES) for d in (soon, late, later_stage)] == [True, False, True]
    assert [extent(d).meets(scan, RULES) for d in (soon, late, later_stage)] == [True, False, True]
    assert not scan.meets(extent(make(5, "10.0.0.5", rule="guess", at=26 * HOUR)), RULES)
    assert scan.meets(extent(make(6, "10.0.0.5", lasts=99 * HOUR)), RULES)
    assert grouping.reach(RULES) == 24 * HOUR * 10**9
