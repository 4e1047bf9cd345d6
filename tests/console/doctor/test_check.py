from __future__ import annotations

from console.doctor.check import broken, good, lacking


def test_findings_have_their_state():
    assert [make("x", a=1) for make in (good, lacking, broken)] == [
        ("good", "x", {"a": 1}), ("lacking", "x", {"a": 1}), ("broken", "x", {"a": 1}),
    ]  # fmt: skip
