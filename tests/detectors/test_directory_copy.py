"""A directory copied by who is no controller of it."""

from __future__ import annotations

import holding_scenes as held
import identity_scenes as scenes
import pytest
from identity_scenes import Scene, bound, call, inside, ticket

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build

HOST, CONTROLLER = inside(9, net=1), inside(5, net=2)
MAPPER = {"by": 2, "ports": (40001, 135)}


def judge(scene, **parameters):
    found = build({"dcsync": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "dcsync"]


def calls(*numbers, **ports):
    scene = Scene()
    for i, number in enumerate(numbers):
        call(scene, 10 + i, HOST, CONTROLLER, number, **ports)
    return scene


@pytest.mark.parametrize(("known", "by"), [({}, "bind"), (MAPPER, "mapper")])
def test_the_interface_is_known_by_bind_or_by_the_mapper(known, by):
    for numbers, severity in (
        ((16, 3), Severity.HIGH),
        ((12, 3), Severity.HIGH),
        ((3,), Severity.INFORMATIONAL),
    ):
        (found,) = judge(bound(calls(*numbers), 5, HOST, CONTROLLER, 1, **known))
        assert (found.severity, found.facts["known_by"]) == (severity, by)
    assert judge(bound(calls(16, 12), 5, HOST, CONTROLLER, 1, **known)) == []


def test_without_either_the_numbers_of_one_connection_tell():
    (found,) = judge(calls(16, 12, 3))
    assert (found.facts["known_by"], found.confidence) == ("calls", 0.7)
    assert judge(calls(12, 3)) == []
    assert judge(calls(3, 16, 12)) == []
    apart = calls(16, 12)
    assert judge(call(apart, 20, HOST, CONTROLLER, 3, ports=(40009, 49667))) == []


def test_who_gives_tickets_is_a_controller():
    scene = bound(calls(3), 5, HOST, CONTROLLER, 1)
    assert judge(ticket(scene, 0, inside(4, net=1), HOST, "wangwei", "cifs/files")) == []
    assert judge(scenes.copied(), exempt=[HOST]) == []


def test_a_question_to_the_mapper_long_ago_says_nothing():
    scene = bound(Scene(), 0, HOST, CONTROLLER, 1, **MAPPER)
    assert judge(call(scene, 2000, HOST, CONTROLLER, 3)) == []


def test_answers_are_large_beside_what_is_usual():
    (found, *_) = judge(held.copied_by_volume())
    assert (found.kind, found.severity) == ("large_answers", Severity.MEDIUM)
    assert found.source.address == held.inside(9, net=1)
    assert judge(held.copied_by_volume(), megabytes=20) == []
    assert judge(held.copied_by_volume(after=900.0)) == []  # not learnt yet
    assert judge(held.replicas()) == []  # it always does
