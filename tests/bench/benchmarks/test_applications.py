"""The benchmark of streams and application layers, with one capture; what a run costs is made up."""

from __future__ import annotations

import pytest

from bench import results, table
from bench.benchmarks import applications
from bench.errors import BenchError
from bench.harness import Context
from tests.bench.generator.test_mixing import folder

__all__ = ["folder"]
COSTS = {
    "meter": 150, "streams": 200, "read": 2_000, "read, no hashes": 1_800, "read, nothing inflated": 1_900,
    "read, neither": 1_700, "transactions": 1_500,
}  # fmt: skip


@pytest.fixture
def context():
    return Context((10,), 2, None, lambda _: None)  # type: ignore[arg-type]  (it needs no captures)


def test_every_case_is_told_as_a_multiple_of_the_meter(folder, context, monkeypatch):
    asked = []

    def reported(task, case, capture, warm):
        assert task == "ours.applications"
        assert capture.is_file()
        assert warm.is_file()
        cost = COSTS[case] * 1e-8 * (1 + 0.1 * asked.count(case))
        asked.append(case)
        return {"packets": 10, "cpu": cost, "wall": 2 * cost, "told": 3}

    monkeypatch.setattr(applications, "reported", reported)
    result = applications.Applications(folder).run(context)
    assert asked == [*COSTS] * 2
    assert result["ours"] == {case: pytest.approx(cost * 1e-9) for case, cost in COSTS.items()}
    assert result["wall"]["ours"]["read"] == pytest.approx(4e-6)
    assert result["times"]["read"] == pytest.approx(13.333)
    assert result["spread"]["ours"]["read"]["cpu"]["relative"] == pytest.approx(0.1)
    assert "told apart: hashes of files 200 ns, bodies inflated 100 ns" in result["notes"][1]
    assert "11.3 times the meter, the aim is 5" in result["notes"][1]
    assert "read, neither" in results.readable(result)
    assert "| application layers | read | 2,000 ns |" in table.render({"applications": result})


def test_captures_that_are_not_there_are_said(tmp_path, context):
    with pytest.raises(BenchError, match="no captures"):
        applications.Applications(tmp_path).run(context)
