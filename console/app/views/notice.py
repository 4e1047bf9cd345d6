"""One notice: what was found and is asked for, and each step until it is struck off."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from citywall.errors import StoreError
from console import noticesheet
from console.app.asking import AskDialog, Choice, Field
from console.app.pane import Pane
from console.app.responding import Acting
from console.app.views.notices import plain

if TYPE_CHECKING:
    from alerts.desk import Kept
    from alerts.duties.notices import Notice


class NoticeView(Acting):
    """Everything about one notice."""

    kind = "notice"
    reads = "notices.read"
    hints = (
        ("a", "receive"),
        ("d", "rectify"),
        ("w", "retest"),
        ("x", "strike_off"),
        ("v", "case"),
        ("c", "copy"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "step('receive')", show=False),
        Binding("d", "step('rectify')", show=False),
        Binding("w", "step('retest')", show=False),
        Binding("x", "step('close')", show=False),
        Binding("v", "case", show=False),
    ]

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self._seen: Kept[Notice] | None = None

    def body(self) -> Iterable[Widget]:
        """What is told."""
        yield Pane()

    def load(self) -> None:
        """Read it."""
        self.behind(self._read, group="read", exclusive=True)

    def changed(self) -> None:
        """Somebody may have answered."""
        self.load()

    def _fetch(self) -> Kept[Notice]:
        from alerts.duties.office import visible

        kept = self.own.sources.office().notice(self.argument)
        if not visible(self.own.desk.identity, kept.body):
            raise StoreError(f"there is no notice {self.argument}")
        return kept

    async def _read(self) -> None:
        found = await self.ask(self._fetch)
        if found is not None and self.stands:
            self._seen = found
            self.retell()

    def retell(self) -> None:
        """Lay out what was read."""
        super().retell()
        if self._seen is not None and self.stands:
            self.query_one(Pane).show(noticesheet.sections(self._seen.body, time.time_ns(), self))

    def action_step(self, what: str) -> None:
        """Ask what is to be written down, and take the step."""
        self.behind(partial(self._step, what))

    async def _step(self, what: str) -> None:
        seen = self._seen
        if seen is None or not await self.own.logged_in():
            return
        results = [(r, self.tr(f"notice_status.{r}")) for r in ("passed", "failed")]
        asked: list[Choice | Field] = [Choice("result", results)] if what == "retest" else []
        asked.append(Field("text", self.tr("app_notice.text"), needed=what != "receive"))
        title = self.tr(f"notice_step.{what}")
        given = await self.own.push_screen_wait(AskDialog(self.speech, title, asked))
        if given is None:
            return
        act = partial(self.own.responding.answer_notice, seen, what, given["text"], given.get("result", ""))
        if await self.act(act):
            self.say(self.tr("app.changed", what=title))
        self.load()

    def action_case(self) -> None:
        """Open the case it is about."""
        if self._seen is not None and self._seen.body.cases:
            self.own.show("case", self._seen.body.cases[0])

    def document(self) -> dict[str, Any] | None:
        """The notice."""
        return None if self._seen is None else plain(self._seen)

    def copied(self) -> str:
        """Its number."""
        return "" if self._seen is None else self._seen.id
