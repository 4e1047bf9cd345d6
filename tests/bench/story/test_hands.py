from __future__ import annotations

from typing import Any

from bench.story.hands import Commands, waiting


class Noted:
    """A house that notes what is asked of it."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, ...]] = []

    def act(self, *given: Any) -> dict[str, Any]:
        self.acts.append(tuple(map(str, given)))
        return {"id": "run-1"}

    def run(self, _: str) -> dict[str, Any]:
        states = [("a", "done"), ("b", "manual"), ("c", "approval")]
        return {"actions": [{"key": key, "state": state} for key, state in states]}


def test_an_analysts_commands():
    house: Any = Noted()
    hands = Commands(house)
    assert hands.start("book", "al") == "run-1"
    hands.answer("run-1", verdict="malicious")
    hands.close_case("ca")
    assert house.acts[0] == ("ann", "playbooks", "run", "book", "--alert", "al", "--live")
    assert house.acts[1][-1] == "--out=verdict=malicious"
    assert [act[2:5:2] for act in house.acts[2:5]] == [
        ("move", "triage"), ("move", "handling"), ("move", "resolved"),
    ]  # fmt: skip
    assert house.acts[-1][:4] == ("ann", "cases", "close", "ca")
    assert waiting(house, "run-1") == [("b", "manual"), ("c", "approval")]
