"""One alert, explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from alerts.workflow import Versioned
from citywall.errors import StoreError
from console.app.pane import Pane
from console.app.responding import Acting
from console.app.working import Working
from console.explain import explain


class AlertView(Working, Acting):
    """Why an alert fired, whose it is, on what evidence, what to do; and what people made of it."""

    kind = "alert"
    hints = (("a", "acknowledge"), ("o", "take"), ("w", "work"), ("n", "note"), ("h", "source"),
             ("t", "target"), ("f", "flows"), ("p", "playbook"), ("c", "copy"),
             ("y", "copy_document"))  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [Binding("p", "playbook", show=False)]

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self._document: dict[str, Any] | None = None
        self._seen: Versioned | None = None

    def body(self) -> Iterable[Widget]:
        """The sections."""
        yield Pane()

    def load(self) -> None:
        """Read the alert and what people made of it."""
        self.behind(self._read, group="read", exclusive=True)

    def _fetch(self) -> tuple[dict[str, Any], Versioned]:
        sources = self.own.sources
        document = sources.alert(self.argument)
        if document is None:
            raise StoreError(self.tr("error.no_alert", id=self.argument))
        return document, sources.workflow(self.argument)

    async def _read(self) -> None:
        found = await self.ask(self._fetch)
        if found is not None and self.stands:
            self._document, self._seen = found
            self.retell()

    def changed(self) -> None:
        """It may have gone on, or somebody works on it."""
        self.load()

    def worked(self) -> None:
        """It was changed."""
        self.load()

    def retell(self) -> None:
        """Lay out what was read."""
        if self._document is not None and self._seen is not None and self.stands:
            self.query_one(Pane).show(explain(self._document, self._seen.workflow, self.speech))
        super().retell()

    def action_playbook(self) -> None:
        """Ask which playbook to start about it."""
        if self._document is not None:
            self.behind(partial(self.start_playbook, str(self._document["event"]["id"])))

    def seen(self) -> Versioned | None:
        """What is shown of what people made of it."""
        return self._seen

    def document(self) -> dict[str, Any] | None:
        """The alert."""
        return self._document

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """The alert alone."""
        document = self._document
        return None if document is None else lambda: [document]
