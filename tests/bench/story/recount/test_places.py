from __future__ import annotations

from bench.story.recount.facts import Facts


def test_the_longest_prefix_that_says_something_has_an_address(facts: Facts):
    places = facts.places
    assert places.located("10.0.0.5") == ("oa", "civil")  # an asset in somebody else's prefix
    assert places.located("10.0.0.6") == ("cloud", "data")
    assert places.located("10.0.0.200") == ("", "civil")  # a unit alone is outside the system around it
    assert places.located("10.9.0.1") is None  # known in another domain only
    assert places.seen(["10.0.0.5", "10.0.0.200", "192.0.2.1"]) == {("oa", "civil"), ("", "civil")}
    assert places.name("data") == ["大数据局", "Data Bureau"]
    assert places.name("civil") == ["民政局", "民政局"]
