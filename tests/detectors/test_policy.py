"""Rules of the house."""

from __future__ import annotations

import pytest
import relation_scenes as related
from relation_scenes import Scene, inside, outside

from citywall.errors import SettingsError
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"policy": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "policy"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_an_isolated_network_may_not_reach_outside(six):
    scene = Scene().tcp(0, inside(9, six, 1), outside(7, six), 443, "talk")
    scene.tcp(1, inside(9, six, 1), inside(7, six, 2), 443, "talk").tcp(
        2, outside(1, six), inside(9, six, 1), 22
    )
    rule = ["fd10:1::/64"] if six else ["10.1.0.0/16"]
    (found,) = judge(scene, isolated=rule)
    assert (found.kind, found.severity) == ("outreach", Severity.HIGH)
    assert judge(scene) == []


def test_networks_meet_through_the_exchange_only():
    scene = Scene().tcp(0, inside(9, net=1), inside(7, net=2), 1521, "talk")
    scene.tcp(1, inside(9, net=1), inside(7, net=3), 1521, "talk")
    scene.tcp(2, inside(7, net=3), inside(7, net=2), 1521, "talk")
    forbidden = ["10.1.0.0/16>10.2.0.0/16", "10.1.0.0/16>10.3.0.0/16", "10.3.0.0/16>10.2.0.0/16"]
    (found,) = judge(scene, forbidden=forbidden, exchange=["10.3.0.0/16"])
    assert found.kind == "crossing"
    assert found.entity == "10.1.0.9>10.2.0.7:1521"


def test_a_refused_contact_is_none():
    scene = Scene().tcp(0, inside(9, net=1), outside(7), 443, "refused")
    assert judge(scene, isolated=["10.1.0.0/16"]) == []


def test_what_only_the_owner_can_judge_is_informational():
    found = judge(related.remote_control()) + judge(related.telnet())
    assert {f.severity for f in found} == {Severity.INFORMATIONAL}
    assert [f.facts["observed"] for f in found] == ["TeamViewer", "443", "telnet", "ftp"]


@pytest.mark.parametrize(
    "given", [{"isolated": ["10.1"]}, {"forbidden": ["10.1.0.0/16"]}, {"forbidden": ["x>10.2.0.0/16"]}]
)
def test_rules_that_cannot_be_read_are_refused(given):
    with pytest.raises(SettingsError, match=f"detectors.policy.{next(iter(given))}"):
        build({"policy": given}, PRIVATE)
