from __future__ import annotations

from playbooks.effects import Act, Escalate


def test_effects_are_values() -> None:
    assert Act("k") == Act("k", begun=False)
    assert Escalate("k", 1) != Escalate("k", 2)
