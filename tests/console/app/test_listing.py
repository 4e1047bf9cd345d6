from __future__ import annotations

from typing import Any

import pytest

from console.app.registry import VIEWS, make


@pytest.mark.parametrize("name", ["cases", "runs", "approvals", "drills", "notices"])
def test_every_list_opens_a_view_that_there_is(name: str):
    view: Any = make(name)
    assert view.opens in VIEWS
    assert VIEWS[view.opens].takes


def test_a_list_with_nothing_in_it_copies_nothing(drive: Any):
    async def story(it: Any) -> None:
        await it.until("No playbook was run yet")
        assert (it.app.view.document(), it.app.view.copied()) == (None, "")

    drive(story, begin=("runs", ""))
