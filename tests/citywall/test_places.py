from __future__ import annotations

from citywall.places import Place


def test_places_that_say_the_same_are_one():
    assert len({Place(unit="a"), Place(unit="a"), Place(unit="b")}) == 2
    assert Place() == Place(asset="", importance=None)
