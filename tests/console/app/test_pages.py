"""Lists that are read in the background; what a slow or failing store does to them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from citywall.errors import StoreUnavailable
from console.sources import Sources


def test_a_search_given_up_is_stopped_and_a_failing_one_told(drive: Any, monkeypatch: pytest.MonkeyPatch):
    asked: list[threading.Event] = []
    read = Sources.alerts

    def alerts(self: Sources, query: Any, **more: Any) -> Any:
        if query is not None and str(query) == "slow":
            asked.append(more["stop"])
            more["stop"].wait(20)
        if query is not None and str(query) == "broken":
            raise StoreUnavailable("the store is away")
        return read(self, query, **more)

    monkeypatch.setattr(Sources, "alerts", alerts)

    async def story(it: Any) -> None:
        await it.until("1-12 of 12")
        await it.press("slash")
        await it.type("slow")
        await it.reached(lambda: bool(asked))
        await it.until("searching")
        await it.press("slash")
        await it.type("severity:5")
        await it.until("1-2 of 2")
        assert asked[0].is_set()
        await it.press("slash")
        await it.type("broken")
        await it.until("the store is away")
        await it.press("slash")
        await it.type("src:198.51.100.9")
        await it.until("Nothing found.", "none")

    drive(story, begin=("alerts", ""))
