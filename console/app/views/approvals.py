"""Runs of playbooks that wait for somebody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from console.app.grid import Grid
from console.app.pages import Page
from console.app.paging import Ask
from console.app.views.runs import RunsView

if TYPE_CHECKING:
    from playbooks.runs import Stored


class ApprovalsView(RunsView):
    """What waits for approval, for people to do it, or to say whether it took effect: all of it."""

    kind = "approvals"

    def wanted(self, stored: Stored) -> bool:
        """Whether it waits."""
        return bool(stored.run.waiting)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """Those that wait, the oldest first: they are few, and none may be overlooked."""
        import time

        file = self.own.sources.runs()
        found = [self._entry(s, file) for s in file.due(time.time_ns()) if self.wanted(s)]
        return found, None

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app_run.none_waiting")
