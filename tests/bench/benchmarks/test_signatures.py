"""The benchmark of signatures, with one capture and one rule; what a run costs is made up."""

from __future__ import annotations

import pytest

from bench import results
from bench.benchmarks import signatures
from bench.errors import BenchError
from bench.harness import Context
from tests.bench.generator.test_mixing import folder

__all__ = ["folder"]


@pytest.fixture
def context():
    return Context((10,), 2, None, lambda _: None)  # type: ignore[arg-type]  (it needs no captures)


def test_every_number_of_rules_and_every_peer_that_is_there(folder, context, monkeypatch):
    (folder / "rules").mkdir()
    (folder / "rules" / "one.rules").write_text("alert ip any any -> any any (sid:1;)", "utf-8")
    costs = iter(range(1, 100))
    reading = {}

    def report(task, *given):
        if given[0] != "match":
            return {"seconds": 1e-6, "bytes": 600, "literals": 3, "compile": 0.0, "told": 1}
        assert given[1].is_file()
        cost = next(costs) * 1e-6
        reading.setdefault(cost, given[4])
        return {
            "packets": 10, "cpu": cost, "wall": cost, "parse": 0.1, "compile": 0.2, "memory": 2 << 20,
            "rules_bytes": 1 << 20, "alerts": {"1": 5} if given[3] else {},
        }  # fmt: skip

    monkeypatch.setattr(signatures, "reported", report)
    monkeypatch.setattr(signatures.suricata, "version", lambda: None)
    rules = {"0 rules": "", "0 rules, nothing read": "", "300 rules": "one.rules"}
    result = signatures.Signatures(folder, rules).run(context)
    assert result["ours"]["0 rules"] == pytest.approx(1e-7)
    assert result["ours"]["prefilter, 600 B"] == pytest.approx(1e-6)
    ratio = result["ratios"]["suricata 8.0.6"]["300 rules"]
    assert ratio == pytest.approx(1 / 296_000 / result["ours"]["300 rules"], rel=1e-3)
    assert result["alerts"] == {"0 rules": {}, "0 rules, nothing read": {}, "300 rules": {"1": 5}}
    assert list(reading.values()) == ["all", "", ""] * 2
    assert "not measured in this run" in result["does"]["suricata 8.0.6"]
    assert "300 rules" in results.readable(result)


def test_suricata_is_measured_where_it_is(folder, context, monkeypatch):
    def report(task, *given):
        if task == "peers.suricata":
            return {"packets": 10, "cpu": 4e-6, "loading": 1.0, "alerts": 7}
        if given[0] != "match":
            return {"seconds": 1e-6, "bytes": 600, "literals": 3, "compile": 0.0, "told": 1}
        return {
            "packets": 10, "cpu": 2e-6, "wall": 2e-6, "parse": 0.1, "compile": 0.2, "memory": 0,
            "rules_bytes": 0, "alerts": {},
        }  # fmt: skip

    monkeypatch.setattr(signatures, "reported", report)
    monkeypatch.setattr(signatures.suricata, "version", lambda: "9.9")
    result = signatures.Signatures(folder, {"0 rules": "", "0 rules, nothing read": ""}).run(context)
    assert result["ratios"]["suricata 9.9"] == {"0 rules": pytest.approx(2.0)}
    assert "carried" not in result["does"]["suricata 9.9"]
    assert "0 rules: suricata 9.9 tells 7 alerts" in result["notes"]


def test_rules_that_are_not_there_are_said(tmp_path, context):
    with pytest.raises(BenchError, match=signatures.DATA):
        signatures.Signatures(tmp_path).run(context)
