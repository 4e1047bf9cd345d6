from __future__ import annotations

from typing import Any


def test_it_needs_a_cluster(invoke: Any):
    done = invoke("worker", "--set", "transport=local://")
    assert done.exit_code == 2
    assert "transport: a worker needs kafka://HOST:PORT" in done.stderr


def test_its_help_says_what_it_must_see(invoke: Any):
    assert "same paths" in " ".join(invoke("worker", "--help").output.split())
    assert "相同路径" in invoke("worker", "--lang", "zh", "--help").output
