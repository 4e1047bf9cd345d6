"""Dark links: when what a probe found is told."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"darklink": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [(f.kind, int(f.severity)) for f in told if f.detector == "darklink"]


@pytest.mark.parametrize("six", [False, True])
@pytest.mark.parametrize(
    ("kind", "measure", "grave", "told"),
    [
        ("hidden", 1, False, [("hidden", 3)]),
        ("hidden", 1, True, [("hidden", 4)]),
        ("words", 1, False, []),
        ("words", 2, False, [("words", 3)]),
        ("words", 1, True, [("words", 4)]),  # in the title
        ("cloaked", 450, False, []),
        ("cloaked", 600, False, [("cloaked", 3)]),
        ("cloaked", 1000, True, [("cloaked", 4)]),
        ("diverted", 1, True, [("diverted", 4)]),
        ("links", 4, False, []),
        ("links", 5, False, [("links", 1)]),
    ],
)
def test_what_is_told(kind, measure, grave, told, six):
    assert found(scenes.drift(scenes.Scene(), 0, kind, "x.test", measure, six, grave=grave)) == told


def test_more_of_it_is_told_when_it_has_doubled():
    scene = scenes.drift(scenes.Scene(), 0, "hidden", "a.test b.test c.test", 3, before=2)
    assert found(scene) == []
    assert found(scenes.drift(scene, 9, "hidden", "a.test", 4, before=3)) == [("hidden", 3)]


def test_thresholds_are_parameters():
    scene = scenes.drift(scenes.Scene(), 0, "hidden", "a.test", 2)
    assert found(scene, hidden=3) == []
