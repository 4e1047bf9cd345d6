"""Views from which something is done about alerts: acts are made behind, and their end is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from citywall.errors import CitywallError, Refused, StoreConflict
from console.app.asking import AskDialog, Choice
from console.app.view import View

if TYPE_CHECKING:
    from playbooks.library import Entry


class Acting(View):
    """A view that acts."""

    async def act(self, do: Callable[[], object]) -> bool:
        """Do something in a thread; False where it was refused or somebody was quicker, which is told."""
        try:
            await asyncio.to_thread(do)
        except StoreConflict:
            self.notify(self.tr("app_case.conflict"), severity="warning", timeout=10, markup=False)
        except Refused as e:
            self.own.refused(e)
        except CitywallError as e:
            self.complain(e)
        else:
            return True
        return False

    async def start_playbook(self, alert: str, case: str = "") -> None:
        """Ask which playbook is to be started about an alert, start it, and show the run."""
        if not await self.own.logged_in():
            return
        entries = await self.ask(self._playbooks)
        if not entries:
            return
        options = [(e.short, e.playbook.said("name", e.playbook.name, self.speech)) for e in entries]
        modes = [("dry", self.tr("playbooks.dry")), ("live", self.tr("playbooks.live"))]
        dialog = AskDialog(
            self.speech, self.tr("app_run.ask_start"), (Choice("playbook", options), Choice("mode", modes)),
            prose=self.tr("app_run.start_hint"),
        )  # fmt: skip
        given = await self.own.push_screen_wait(dialog)
        if given is None:
            return
        live = given["mode"] == "live"
        found: list[str] = []

        def start() -> None:
            stored = self.own.responding.request(given["playbook"], live=live, alert=alert, case=case)
            found.append(stored.run.id)

        if await self.act(partial(start)):
            self.own.show("run", found[0])

    def _playbooks(self) -> list[Entry]:
        from playbooks.desk import library_of

        return library_of(self.own.sources.settings).entries()
