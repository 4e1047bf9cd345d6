"""One drill: its score where it was run, and its briefing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.widget import Widget

from console import drillsheet
from console.app.pane import Pane
from console.app.view import View

if TYPE_CHECKING:
    from drills.folder import Planned
    from drills.running import Observed


class DrillView(View):
    """The briefing; and the score, from what people have done so far, once it has run."""

    kind = "drill"
    reads = "drills.read"
    hints = (("c", "copy"),)

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self._found: tuple[Planned, Observed | None] | None = None

    def body(self) -> Iterable[Widget]:
        """The sections."""
        yield Pane()

    def load(self) -> None:
        """Read it."""
        self.behind(self._read, group="read", exclusive=True)

    def changed(self) -> None:
        """People work on its alerts."""
        self.load()

    def _fetch(self) -> tuple[Planned, Observed | None]:
        from drills import folder, running

        sources = self.own.sources
        planned = folder.load(folder.root_of(sources.data), self.argument)
        run = running.run_of(planned.folder)
        if run is None or not run.ended:
            return planned, None
        return planned, running.observed(planned, sources.data, sources.settings)

    async def _read(self) -> None:
        found = await self.ask(self._fetch)
        if found is not None and self.stands:
            self._found = found
            self.retell()

    def retell(self) -> None:
        """Lay out what was read."""
        super().retell()
        if self._found is not None and self.stands:
            self.query_one(Pane).show(drillsheet.sections(*self._found, self))
