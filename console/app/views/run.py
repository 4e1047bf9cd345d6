"""One run of a playbook: what it did, what it waits for; approving, refusing, answering, taking back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from citywall.errors import UsageError
from console import runsheet
from console.app.asking import AskDialog, Choice, Field
from console.app.pane import Pane
from console.app.responding import Acting
from console.text import clean

if TYPE_CHECKING:
    from playbooks.cacao import Playbook
    from playbooks.runs import Stored

_WAITS = ("manual", "uncertain")


class RunView(Acting):
    """Everything about one run."""

    kind = "run"
    reads = "playbooks.read"
    hints = (("a", "approve"), ("d", "answer"), ("b", "rollback"), ("X", "abort"), ("v", "alert"),
             ("c", "copy"), ("y", "copy_document"))  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "approve", show=False),
        Binding("d", "answer", show=False),
        Binding("b", "end('rollback')", show=False),
        Binding("X", "end('abort')", show=False),
        Binding("v", "alert", show=False),
    ]

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self._stored: Stored | None = None
        self._books: dict[str, Playbook] = {}

    def body(self) -> Iterable[Widget]:
        """The sections."""
        yield Pane()

    def load(self) -> None:
        """Read it."""
        self.behind(self._read, group="read", exclusive=True)

    def changed(self) -> None:
        """It may have gone on."""
        self.load()

    def _fetch(self) -> tuple[Stored, dict[str, Playbook]]:
        file = self.own.sources.runs()
        stored = file.get(self.argument)
        if stored is None:
            raise UsageError(self.tr("playbooks.no_run", id=self.argument))
        return stored, file.books(stored.run)

    async def _read(self) -> None:
        found = await self.ask(self._fetch)
        if found is not None and self.stands:
            self._stored, self._books = found
            self.retell()

    def retell(self) -> None:
        """Lay out what was read."""
        super().retell()
        document = self.document()
        if document is not None and self.stands:
            self.query_one(Pane).show(runsheet.sections(document, self))

    def action_alert(self) -> None:
        """Open the alert it is about."""
        document = self.document()
        if document is not None and document["alert"]:
            self.own.show("alert", str(document["alert"]))

    def action_approve(self) -> None:
        """Ask whether what waits is to be done."""
        self.behind(self._approve)

    async def _approve(self) -> None:
        units = self._waiting("approval")
        if not units or not await self.own.logged_in():
            return
        options = [("yes", self.tr("app_run.approve")), ("no", self.tr("app_run.refuse"))]
        steps = [(u["key"], f"{u['title']}: {u['does']}") for u in units]
        asked: list[Choice | Field] = [Choice("key", steps)] if len(units) > 1 else []
        asked += [
            Choice("chosen", options),
            Field("reason", self.tr("app_run.reason"), needed=True, unless=("yes",)),
        ]
        prose = "" if len(units) > 1 else clean(units[0]["does"])
        given = await self._asked("approve", asked, prose)
        if given is None:
            return
        unit = next(u for u in units if u["key"] == given.get("key", units[0]["key"]))
        responding = self.own.responding
        if given["chosen"] == "yes":
            await self._done(
                "approved", partial(responding.approve, self.argument, unit["digest"], unit["key"])
            )
        else:
            await self._done(
                "refused", partial(responding.reject, self.argument, given["reason"], unit["key"])
            )

    def action_answer(self) -> None:
        """Ask what became of a step."""
        self.behind(self._answer)

    async def _answer(self) -> None:
        units = self._waiting(*_WAITS)
        if not units or not await self.own.logged_in():
            return
        unit = units[0]
        outcomes = ("done", "failed", *(("again",) if unit["state"] == "uncertain" else ()))
        names = self._outputs(unit)
        asked: list[Choice | Field] = [
            Choice("outcome", [(o, self.tr(f"app_run.outcome_{o}")) for o in outcomes]),
            *(Field(f"out-{at}", name, unless=("failed",)) for at, name in enumerate(names)),
            Field("note", self.tr("app_run.note")),
        ]
        given = await self._asked("answer", asked, clean(unit["does"] or unit["title"]))
        if given is None:
            return
        outputs = {name: given[f"out-{at}"] for at, name in enumerate(names) if given[f"out-{at}"]}
        await self._done(
            "answered",
            partial(
                self.own.responding.answer, self.argument, given["outcome"], unit["key"], given["note"],
                outputs,
            ),
        )  # fmt: skip

    def action_end(self, what: str) -> None:
        """Ask why a run is to be taken back, or ended."""
        self.behind(partial(self._end, what))

    async def _end(self, what: str) -> None:
        if self._stored is None or not await self.own.logged_in():
            return
        given = await self._asked(what, [Field("reason", self.tr("app_run.reason"), needed=True)], "")
        if given is not None:
            act = getattr(self.own.responding, what)
            await self._done(what, partial(act, self.argument, given["reason"]))

    async def _asked(self, what: str, asked: Sequence[Choice | Field], prose: str) -> dict[str, str] | None:
        title = self.tr(f"app_run.ask_{what}")
        return await self.own.push_screen_wait(AskDialog(self.speech, title, asked, prose=prose))

    async def _done(self, what: str, act: Callable[[], object]) -> None:
        if await self.act(act):
            self.say(self.tr("app.changed", what=self.tr(f"app_run.did_{what}")))
        self.load()

    def _waiting(self, *states: str) -> list[dict[str, Any]]:
        document = self.document()
        found = [] if document is None else [u for u in document["waiting"] if u["state"] in states]
        if document is not None and not found:
            self.say(self.tr("refused.not_waiting"))
        return found

    def _outputs(self, unit: dict[str, Any]) -> list[str]:
        """What a step is to find out."""
        if self._stored is None:
            return []
        run = self._stored.run
        scope = next(u.scope for u in run.units.values() if u.key == unit["key"])
        step = self._books[run.books[run.scopes[scope].book]].workflow[unit["step"]]
        return [name.strip("_") for name in getattr(step, "out_args", ())]

    def document(self) -> dict[str, Any] | None:
        """The run as `citywall playbooks status RUN --json` has it."""
        from playbooks.telling import run_document

        if self._stored is None:
            return None
        return run_document(self._stored.run, self._books, self.speech)

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """The run alone."""
        document = self.document()
        return None if document is None else lambda: [document]
