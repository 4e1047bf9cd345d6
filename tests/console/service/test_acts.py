from __future__ import annotations

import pytest

from console.cli import cli
from console.framework import Context
from console.service.acts import is_act


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("cases assign", {"actor": "li"}, True),
        ("cases list", {"actor": ""}, False),
        ("cases list", {"actor": "li"}, True),
        ("cases make", {}, True),
        ("alerts work", {"name": "li"}, True),
        ("playbooks approve", {"actor": "li"}, True),
        ("playbooks status", {}, False),
        ("accounts passwd", {"name": "li"}, True),
        ("accounts init", {"name": "li"}, False),
        ("notices pdf", {"actor": "li"}, False),
        ("console", {"name": "li"}, False),
        ("run", {}, False),
        ("up", {}, False),
    ],
)
def test_what_changes_something_is_the_services(path: str, values: dict[str, str], expected: bool):
    command = cli
    for word in path.split():
        found = command.get_command(Context(command), word)
        assert found is not None
        command = found  # type: ignore[assignment]
    assert is_act(command, getattr(command, "key", ""), values | {"data": "x"}) is expected
