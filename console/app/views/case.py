"""One case: what it is about, its clocks, its alerts, what is done about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from citywall.errors import StoreError
from console import casesheet, casetext
from console.app.asking import AskDialog, Choice, Field
from console.app.grid import Entry, Grid
from console.app.pages import Page, Paging
from console.app.paging import Ask
from console.app.pane import Pane
from console.app.responding import Acting
from console.display.table import Column, Row

if TYPE_CHECKING:
    from alerts.cases.casebook import View
    from alerts.cases.members import Member
    from alerts.cases.work import Work
    from playbooks.runs import Stored

#: Runs that are looked through for those of a case.
_RUNS = 500


class CaseView(Acting, Paging):
    """Everything about one case; `tab` goes between what is told and its alerts."""

    kind = "case"
    reads = "cases.read"
    hints = (("o", "take"), ("w", "work"), ("n", "note"), ("p", "playbook"), ("x", "close"), ("v", "runs"),
             ("tab", "switch"), ("enter", "open"))  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "switch", show=False, priority=True),
        Binding("o", "take", show=False),
        Binding("w", "work", show=False),
        Binding("n", "note", show=False),
        Binding("p", "playbook", show=False),
        Binding("x", "close_case", show=False),
        Binding("v", "runs", show=False),
    ]
    DEFAULT_CSS = """
    CaseView Pane { height: 2fr; }
    CaseView Grid { height: 1fr; min-height: 5; }
    CaseView .title { height: 1; background: $surface; color: $accent; text-style: bold; padding: 0 1; }
    """

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self._seen: View | None = None
        self._runs: list[Stored] = []

    def body(self) -> Iterable[Widget]:
        """What is told, and its alerts."""
        yield Pane()
        yield Static(classes="title", markup=False)
        yield Grid(self._columns, self.speech, id="members")

    def _columns(self, language: str) -> Sequence[Column]:  # noqa: ARG002  (the view speaks it)
        return casesheet.member_columns(self)

    def load(self) -> None:
        """Read it."""
        self.behind(self._read, group="read", exclusive=True)

    def changed(self) -> None:
        """It may have grown, or somebody works on it."""
        self.load()

    def _fetch(self) -> tuple[View, list[Stored]]:
        from alerts.cases.casebook import visible

        view = self.own.sources.casebook().view(self.argument)
        identity = self.own.desk.identity
        if identity is not None and not visible(identity, view.case):
            raise StoreError(f"there is no case {self.argument}")
        own = {view.case.id, view.work_id}
        runs = [s for s in self.own.sources.runs().everything(_RUNS) if s.run.case in own]
        return view, runs

    async def _read(self) -> None:
        found = await self.ask(self._fetch)
        if found is None or not self.stands:
            return
        before = self._seen
        self._seen, self._runs = found
        self.retell()
        if before is None or before.case != self._seen.case:
            self.restart(self.query_one(Grid))

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """Its alerts, all at once: a case has a bounded number of them."""
        members = () if self._seen is None else self._seen.case.members
        return [self._entry(member) for member in members], None

    def _entry(self, member: Member) -> Entry:
        def read(_: Entry, language: str) -> Row:  # noqa: ARG001  (the view speaks it)
            return casesheet.member_row(member, self)

        return Entry({"event": {"id": member.id}}, read)

    def retell(self) -> None:
        """Lay out what was read."""
        super().retell()
        view = self._seen
        if view is None or not self.stands:
            return
        self.query_one(Pane).show(casesheet.sections(view, self, self.own.sources.settings, self._runs))
        said = self.tr("cases.alerts_of", count=len(view.case.members), repeated=view.case.repeated)
        self.query_one(".title", Static).update(said)

    def action_switch(self) -> None:
        """To the alerts, or back."""
        pane, grid = self.query_one(Pane), self.query_one(Grid)
        (pane if grid.has_focus else grid).focus()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Explain an alert."""
        self.own.show("alert", str(event.entry.document["event"]["id"]))

    def action_runs(self) -> None:
        """Open its newest run."""
        if self._runs:
            self.own.show("run", self._runs[0].run.id)
        else:
            self.say(self.tr("app_case.no_runs"))

    # Work

    def action_take(self) -> None:
        """Make it one's own."""
        self.behind(self._take)

    async def _take(self) -> None:
        if await self.own.logged_in():
            identity = self.own.desk.identity
            assert identity is not None
            await self._step("assign", "assigned", identity.user)

    def action_work(self) -> None:
        """Ask for its next status."""
        self.behind(self._ask_status)

    async def _ask_status(self) -> None:
        from alerts.cases.work import following

        view = self._seen
        if view is None or not await self.own.logged_in():
            return
        if view.work.status == "closed":
            given = await self._asked("reopen", (Field("text", self.tr("app_case.why"), needed=True),))
            if given is not None:
                await self._step("reopen", "reopened", given["text"], action="cases.close")
            return
        options = [(s, self.tr(f"case_status.{s}")) for s in following(view.work)]
        asked = (Choice("status", options), Field("text", self.tr("app_case.text")))
        given = await self._asked("status", asked)
        if given is not None:
            await self._step("status", "moved", given["status"], given["text"])

    def action_note(self) -> None:
        """Ask for a comment."""
        self.behind(self._ask_note)

    async def _ask_note(self) -> None:
        if self._seen is not None and await self.own.logged_in():
            given = await self._asked("comment", (Field("text", self.tr("app_case.text"), needed=True),))
            if given is not None:
                await self._step("comment", "commented", given["text"])

    def action_close_case(self) -> None:
        """Ask how it ended."""
        self.behind(self._ask_outcome)

    async def _ask_outcome(self) -> None:
        from alerts.cases import work
        from alerts.cases.work import OUTCOMES

        view = self._seen
        if view is None or not await self.own.logged_in():
            return
        options = [(o, self.tr(f"case_outcome.{o}")) for o in OUTCOMES]
        asked = (Choice("outcome", options), Field("text", self.tr("app_case.conclusion"), needed=True))
        given = await self._asked("close", asked)
        if given is None:
            return

        def close(body: Work, by: str, now: int) -> Work:
            return work.closed(body, by, now, outcome=given["outcome"], text=given["text"], case=view.case)

        await self._taken("close", close, "cases.close")

    async def _asked(self, what: str, asked: Sequence[Choice | Field]) -> dict[str, str] | None:
        title = self.tr(f"app_case.ask_{what}")
        return await self.own.push_screen_wait(AskDialog(self.speech, title, asked))

    async def _step(self, what: str, name: str, *values: str, action: str = "cases.work") -> None:
        from alerts.cases import work

        step = getattr(work, name)
        await self._taken(what, lambda body, by, now: step(body, by, now, *values), action)

    async def _taken(self, what: str, step: Callable[[Work, str, int], Work], action: str) -> None:
        view = self._seen
        if view is not None and await self.act(partial(self.own.responding.step, view, what, step, action)):
            self.say(self.tr("app.changed", what=self.tr(f"app_case.did_{what}")))
        self.load()

    def action_playbook(self) -> None:
        """Ask which playbook to start, on its gravest alert."""
        if (view := self._seen) is not None:
            gravest = max(view.case.members, key=lambda m: (m.severity, m.stage, m.last))
            self.behind(partial(self.start_playbook, gravest.id, view.case.id))

    def document(self) -> dict[str, Any] | None:
        """The case."""
        if self._seen is None:
            return None
        return casetext.plain(self._seen, self.own.sources.settings, whole=True)

    def copied(self) -> str:
        """Its id."""
        return self.argument if self._seen is None else self._seen.case.id

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """The case alone."""
        document = self.document()
        return None if document is None else lambda: [document]
