"""Results: kept, found again, readable."""

from __future__ import annotations

import pytest

from bench import results


def test_results_are_found_again_in_the_order_asked_for(tmp_path, kept_result):
    folder = tmp_path / "new"
    for name in ("meter", "decode"):
        assert results.save(kept_result(name), folder) == folder / f"{name}.json"
    assert list(results.load(["decode", "nothing", "meter"], folder)) == ["decode", "meter"]
    assert results.load(["decode"], folder)["decode"] == kept_result("decode")


def test_results_read_well_on_a_terminal(kept_result):
    result = kept_result(
        "decode", units={"memory": "bytes above", "20M/2M": "ratio"}, absent={"scapy": "get it"}
    )
    result["ours"] |= {"memory": 5 << 20, "20M/2M": 1.02}
    lines = results.readable(result).splitlines()
    assert "30.0 ns +2%" in lines[1]
    assert lines[2].endswith("317x")
    assert lines[3:] == [
        "  memory: 5 MiB (bytes above)",
        "  20M/2M: 1.020 (ratio)",
        "  scapy is absent: get it",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "1.23x"), (12.34, "12.3x"), (1234.5, "1,234x"), (0.5, "0.50x")]
)
def test_ratios_are_short(value, text):
    assert results.times(value) == text


def test_what_runs_in_the_benchmarks_own_process_has_no_start_up(kept_result):
    result = {k: v for k, v in kept_result("decode").items() if k not in {"spread", "wall", "startup"}}
    assert results.readable(result).splitlines()[1].split() == [
        "citywall",
        "2M",
        "30.0",
        "ns",
        "2,000,000",
        "packets",
    ]
