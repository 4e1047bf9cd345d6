from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Input

from console.app.keys import Choices, Line


def burst(make: Callable[[], Any], keys: list[str]) -> Any:
    """The widget after keys that a terminal gave at once."""

    class Only(App[None]):
        def compose(self) -> ComposeResult:
            yield make()

    async def run() -> Any:
        app = Only()
        async with app.run_test() as pilot:
            widget = app.query_one("Input, OptionList")
            widget.focus()
            await pilot.pause()
            for key in keys:
                app.post_message(Key(key, key if len(key) == 1 else None))
            await pilot.pause()
            await pilot.pause()
            return widget

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        (["ctrl+u", *"new"], "new"),
        (["home", *"an "], "an old"),
        ([*"er", "backspace", "backspace", "backspace", "backspace", "k"], "ok"),
        (["home", "delete", "delete", *"mi"], "mid"),
        (["ctrl+w", "a", "left", "b"], "ba"),
    ],
)
def test_a_line_is_edited_in_the_order_of_the_keys(keys: list[str], left: str):
    assert burst(lambda: Line("old", select_on_focus=False), keys).value == left


def test_textual_itself_would_do_what_keys_are_bound_to_too_late():
    """Where this fails Textual has mended it, and `console.app.keys` can go."""
    assert burst(lambda: Input("old", select_on_focus=False), ["ctrl+u", *"new"]).value != "new"


def test_a_choice_is_moved_in_the_order_of_the_keys():
    assert burst(lambda: Choices("a", "b", "c"), ["end", "up", "up", "down"]).highlighted == 1
