"""Names made by algorithm."""

from __future__ import annotations

import numpy as np
import sighting_scenes as scenes

from citywall.findings import Severity
from citywall.settings import PRIVATE, load
from detectors.registry import build
from stream.naming import judge

MODEL = judge(load(environment={}))


def found(scene, judge=None, **parameters):
    told = build({"dga": parameters}, PRIVATE, judge=judge).process(
        scene.reports(), scene.events(), "s", "live"
    )
    return [f for f in told if f.detector == "dga"]


def test_the_shipped_model_tells_from_a_dozen_names_what_counting_tells_from_sixty():
    few = scenes.failing_names(n=25)
    assert found(few) == []
    told = found(few, MODEL)
    assert {f.kind for f in told} == {"made_names"}
    assert told[0].severity is Severity.MEDIUM
    assert found(scenes.failing_names(six=True), MODEL)[-1].severity is Severity.HIGH


def test_names_that_people_mistype_are_no_such():
    scene = scenes.Scene()
    words = ("weather", "news", "taiyuan", "shop", "school", "travel", "garden", "music")
    for i in range(40):
        name = f"{words[i % 8]}{words[i * 3 % 7]}.com"
        scenes.answer(scene, i * 9, scenes.inside(1), scenes.inside(9), name, code=3)
    assert found(scene, MODEL) == []


def test_one_domain_of_ones_own_is_one_name():
    scene = scenes.Scene()
    for i in range(200):
        name = f"{scenes.made(i)[:10]}.corp.example.com"
        scenes.answer(scene, i, scenes.inside(1), scenes.inside(9), name, code=3)
    assert found(scene, lambda _, offsets: np.ones(len(offsets) - 1, bool)) == []


def test_names_must_fail_together():
    scene = scenes.Scene()
    for i in range(60):
        scenes.answer(scene, i * 200, scenes.inside(1), scenes.inside(9), scenes.made(i), code=3)
    assert found(scene, MODEL) == []


def test_a_resolver_may_be_exempt():
    assert found(scenes.failing_names(), MODEL, exempt=[scenes.inside(9, net=1)]) == []
