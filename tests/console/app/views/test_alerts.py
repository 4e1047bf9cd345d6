from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store
from citywall.errors import QueryError
from console.app.paging import KEPT, PAGE
from console.app.views.alerts import AlertsView


def test_a_window_of_many(drive: Any, house: Path, real_alerts: Any):
    store = open_store("sqlite://", house)
    store.upsert(real_alerts(900, first=100))
    store.close()

    async def story(it: Any) -> None:
        await it.until("of 912")
        grid = it.app.view.grid
        while grid.cursor < 911:
            await it.press("pagedown", "pagedown", "pagedown")
            await it.app.workers.wait_for_complete()
            assert len(grid.window.rows) <= KEPT * PAGE
        await it.until("912 of 912")
        assert grid.window.first > 0
        await it.press("g")
        await it.until("1-")
        await it.reached(lambda: grid.window.first == 0 and grid.cursor == 0)

    drive(story, begin=("alerts", ""), size=(100, 60))


def test_go_to_a_time(drive: Any):
    async def story(it: Any) -> None:
        await it.until("1-12 of 12")
        await it.press("T")
        await it.type("yesterday")
        await it.until("is no time such as")
        await it.type("2024-05-01T12:00:04")
        await it.until("1-5 of 5", "before 2024-05-01 12:00:05")
        await it.press("home")
        await it.until("1-12 of 12")
        assert "before" not in it.text()

    drive(story, begin=("alerts", ""))


def test_a_filter_that_cannot_be_read_is_no_view():
    with pytest.raises(QueryError):
        AlertsView("severity>=(")
