from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.ongoing import ENDPOINT_SAMPLE, SKETCH, Distinct, begin, endpoint_name
from citywall.findings import Endpoint

NAMES = st.lists(st.integers(0, 400).map(lambda n: str(ipaddress.ip_address(n))), max_size=120)


@given(NAMES)
def test_few_are_counted_exactly(names: list[str]) -> None:
    distinct = Distinct()
    for name in names:
        distinct.add(name, 0)
    if distinct.exact:
        assert distinct.count == len(set(names)) < SKETCH
    else:
        assert len(set(names)) >= SKETCH
    assert distinct.sample == list(dict.fromkeys(names))[:ENDPOINT_SAMPLE]


@given(NAMES, st.randoms())
def test_the_count_knows_no_order(names: list[str], random: Any) -> None:
    one, other = Distinct(), Distinct()
    shuffled = names + names[: len(names) // 2]
    random.shuffle(shuffled)
    for name in names:
        one.add(name, 0)
    for name in shuffled:
        other.add(name, 0)
    assert one.smallest == other.smallest


@pytest.mark.parametrize("many", [1000, 50_000])
def test_many_are_estimated(many: int) -> None:
    distinct = Distinct()
    for n in range(many):
        distinct.add(str(n), 0)
    assert not distinct.exact
    assert abs(distinct.count / many - 1) < 0.4  # three standard errors
    assert len(distinct.smallest) == SKETCH


def test_the_same_address_in_two_domains_is_two() -> None:
    distinct = Distinct()
    distinct.add("10.0.0.5", 1)
    distinct.add("10.0.0.5", 2)
    assert distinct.count == 2


def test_a_prefix_is_not_a_host(make_finding: Callable[..., Any]) -> None:
    target = Endpoint("10.0.0.77", prefix=24)
    assert endpoint_name(target) == "10.0.0.0/24"
    finding = make_finding(0, source=None, target=target)
    alert = begin(finding)
    alert.take(finding)
    assert alert.targets.count == 0


def test_evidence_seen_again_is_kept_once(
    make_finding: Callable[..., Any], make_evidence: Callable[..., Any]
) -> None:
    finding = make_finding(0, evidence=(make_evidence(0, 1), make_evidence(0, 1), make_evidence(0, 2)))
    alert = begin(finding)
    alert.take(finding)
    alert.take(finding)
    assert alert.evidence_count == len(alert.evidence()) == 2
