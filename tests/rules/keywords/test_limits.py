from __future__ import annotations

from rules.language.model import Limit, Tag
from tests.rules.keywords.reading import read, refused


def test_limits_and_tags():
    rule = read(
        "threshold:type both, track by_both, count 3, seconds 60; tag:session,5,packets; prefilter; noalert;"
    )
    assert rule.limit == Limit("both", "by_both", 3, 60)
    assert rule.tag == Tag("session", 5, "packets")
    assert (rule.prefilter, rule.silent) == (True, True)
    assert read("detection_filter:track by_src, count 5, seconds 1;").filter == Limit(
        "detection_filter", "by_src", 5, 1
    )
    backoff = read("threshold:type backoff, track by_flow, count 1, multiplier 2;").limit
    assert backoff == Limit("backoff", "by_flow", 1, 0, 2)


def test_refused():
    once = "detection_filter:track by_src, count 5, seconds 1;"
    assert "one threshold" in refused(once + once)
    assert "type" in refused("threshold:type never, track by_src, count 1, seconds 1;")
    assert "by_flow" in refused("threshold:type backoff, track by_src, count 1, multiplier 2;")
    assert "tag" in refused("tag:session,5;")
