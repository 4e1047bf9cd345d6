from __future__ import annotations

from bench import results
from bench.benchmarks import story


def test_the_result_reads_well(tmp_path):
    result = story.describe(["alert", "note 0", "note 1"], [2.0, 1.0, 6.0], 90.4, "", {"cpu": "x"})
    assert result["failed"] is None
    assert (result["kills"], result["ours"]) == ({"alert": 1, "note": 2}, {"service": 2.0})
    readable = results.readable(result)
    assert "3 kills (alert 1, note 2) in 90 s" in readable
    assert "1.0 to 6.0 s after a kill, median 2.0 s" in readable
    results.save(result, tmp_path)
    assert results.load(["story"], tmp_path)


def test_the_result_says_what_went_wrong():
    result = story.describe([], [], 1, "while doing approve: twice", {})
    assert result["failed"] == "while doing approve: twice"
    assert "twice" in " ".join(result["notes"])
