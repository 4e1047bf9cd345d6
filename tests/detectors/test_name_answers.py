"""Answers that lead astray."""

from __future__ import annotations

import sighting_scenes as scenes

from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"nameanswers": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in told if f.detector == "nameanswers"]


def test_two_answers_to_one_question():
    (told,) = found(scenes.raced())
    assert (told.kind, told.facts["name"]) == ("raced", "bank.example.com")
    assert told.facts["before"] == scenes.outside(66)
    assert told.facts["observed"] == scenes.outside(7)


def test_the_same_answer_twice_is_none():
    scene = scenes.Scene()
    scenes.ask(scene, 0, scenes.inside(9), scenes.inside(1), "a.example.com")
    for at in (0.1, 0.2):
        scenes.answer(
            scene, at, scenes.inside(1), scenes.inside(9), "a.example.com", "198.51.100.2", "198.51.100.1"
        )
    assert found(scene) == []


def test_as_many_answers_as_questions_are_none():
    assert found(scenes.resent()) == []


def test_answers_without_a_question_say_nothing():
    scene = scenes.Scene()
    for i in range(4):
        scenes.answer(scene, i, scenes.inside(1), scenes.inside(9), "a.example.com", f"198.51.100.{i + 1}")
    assert found(scene) == []


def test_a_name_that_left_home():
    (told,) = found(scenes.led_away(six=True))
    assert (told.kind, told.entity) == ("led_away", "portal.example.gov.cn")
    assert told.source is None
    assert found(scenes.led_away(), learned=9) == []


def test_a_name_that_was_never_at_home():
    scene = scenes.Scene()
    for i in range(10):
        name = "cdn.example.com"
        scenes.answer(
            scene, i * 60, scenes.inside(1), scenes.inside(9), name, scenes.outside(i), port=100 + i
        )
    assert found(scene) == []
