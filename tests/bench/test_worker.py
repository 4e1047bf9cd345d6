"""The measured child."""

from __future__ import annotations

import pytest

from bench import worker


def test_a_task_is_warmed_up_and_then_timed(monkeypatch):
    calls = []

    class Task:
        @staticmethod
        def run(path: str) -> int:
            calls.append(path)
            return 7

    monkeypatch.setattr(worker.importlib, "import_module", lambda name: Task if name == "bench.x.y" else None)
    told = worker.measure("x.y", "real", "warm")
    assert calls == ["warm", "real"]
    assert told["packets"] == 7
    assert told["wall"] >= 0


@pytest.mark.parametrize("profile", ["extranet", "million"])
def test_it_generates(tmp_path, profile):
    facts = worker.generate(str(tmp_path / "c.pcap"), "500", profile, "3")
    assert facts["packets"] == 500
    assert (tmp_path / "c.pcap").stat().st_size == facts["bytes"]
