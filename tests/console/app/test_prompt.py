from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.events import Key

from console.app.prompt import Line, Prompt, complete


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("sev", "severity"), ("src:10.0.0.1 AND po", "src:10.0.0.1 AND port"), ("(NOT cl", "(NOT class"),
        ("", None), ("severity", None), ("x", None), ("port ", None),
    ],
)  # fmt: skip
def test_the_last_word_is_completed(typed: str, found: str | None):
    assert complete(typed, ("src", "severity", "port", "class")) == found


def test_typing_completing_remembering(drive: Any):
    async def story(it: Any) -> None:
        await it.until("Newest", "One port on many hosts")
        await it.press("colon", *"al", "tab")
        prompt = it.app.view.query_one(Prompt)
        assert prompt.is_open
        await it.reached(lambda: it.app.view.query_one(Line).value == "alerts")
        await it.press("enter")
        await it.until("1-12 of 12")
        await it.press("slash")
        await it.type("severity>=(")
        await it.until("query, column")  # it stays open and says what is wrong
        await it.type("severity>=high")
        await it.until("1-4 of 4", "severity>=high")
        await it.press("slash")
        await it.type("")
        await it.until("1-12 of 12")
        await it.press("slash", "up")
        await it.reached(lambda: it.app.view.query_one(Line).value == "severity>=high")
        await it.press("escape")
        await it.reached(lambda: not it.app.view.query_one(Prompt).is_open)
        assert len(it.app.trail()) == 1
        assert it.app.focused is it.app.view.grid

    drive(story)


def test_what_is_typed_in_one_burst_comes_in_order(drive: Any, tmp_path: Path):
    """As from a slow connection: what the line was filled with goes before the new name comes."""
    out = tmp_path / "out.jsonl"

    def burst(app: Any, keys: list[str]) -> None:
        for key in keys:
            app.post_message(Key(key, key if len(key) == 1 else None))

    async def story(it: Any) -> None:
        await it.until("Newest", "One port on many hosts")
        await it.press("colon")
        burst(it.app, [*"al", "tab", "enter"])
        await it.until("1-12 of 12")
        burst(it.app, ["slash", *"severity>=high", "enter"])  # an `e` that went to the view would export
        await it.until("1-4 of 4", "severity>=high")
        burst(it.app, ["slash", "ctrl+u", "enter"])
        await it.until("1-12 of 12")
        burst(it.app, ["e", "ctrl+u", *str(out), "enter"])
        await it.reached(lambda: out.exists() and out.read_text("utf-8").count("\n") == 12)

    drive(story)
