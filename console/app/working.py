"""Working on the alert in sight: its status, owner and notes, its hosts, its flows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from alerts import times
from alerts.workflow import Versioned
from citywall.errors import CitywallError, Refused, StoreConflict
from console.app.dialogs import Work, WorkDialog
from console.app.view import View
from console.documents import value, words

_MARGIN = 60 * times.SECOND
#: Community ids that a filter for the flows of an alert names at most.
_NAMED = 20


class Working(View):
    """A view with an alert in sight, which `document` gives."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", show=False),
        Binding("o", "take", show=False),
        Binding("w", "work('status')", show=False),
        Binding("n", "work('note')", show=False),
        Binding("h", "host('source')", show=False),
        Binding("t", "host('destination')", show=False),
        Binding("f", "flows", show=False),
    ]

    def seen(self) -> Versioned | None:
        """What people made of the alert, as it is shown; None where that is to be read first."""
        return None

    def worked(self) -> None:
        """The alert was changed."""

    def _alert_id(self) -> str | None:
        document = self.document()
        return None if document is None else words(document, "event.id")

    def action_acknowledge(self) -> None:
        """Say that somebody has seen it."""
        if alert_id := self._alert_id():
            self.behind(partial(self._change, alert_id, Work(status="acknowledged")))

    def action_take(self) -> None:
        """Make it one's own."""
        if alert_id := self._alert_id():
            self.behind(partial(self._take, alert_id))

    def action_work(self, focus: str) -> None:
        """Ask what is to become of it."""
        if alert_id := self._alert_id():
            self.behind(partial(self._ask, alert_id, focus))

    def action_host(self, side: str) -> None:
        """Open the card of a host."""
        document = self.document()
        if document is None:
            return
        if address := host_of(document, side):
            self.own.show("host", address)
        else:
            self.say(self.tr("app.no_side"))

    def action_flows(self) -> None:
        """Open the flows of the evidence."""
        document = self.document()
        if document is not None and (where := flows_of(document)):
            self.own.show("flows", where)

    async def _take(self, alert_id: str) -> None:
        if await self.own.logged_in():
            identity = self.own.desk.identity
            assert identity is not None
            await self._change(alert_id, Work(status="in_progress", owner=identity.user))

    async def _ask(self, alert_id: str, focus: str) -> None:
        if not await self.own.logged_in():
            return
        seen = self.seen() or await self.ask(self.own.sources.workflow, alert_id)
        if seen is None:
            return
        work = await self.own.push_screen_wait(WorkDialog(self.speech, seen.workflow, focus))
        if work is not None:
            await self._change(alert_id, work, seen)

    async def _change(self, alert_id: str, work: Work, seen: Versioned | None = None) -> None:
        if not await self.own.logged_in():
            return
        seen = seen or self.seen() or await self.ask(self.own.sources.workflow, alert_id)
        if seen is None:
            return
        try:
            await asyncio.to_thread(
                self.own.desk.change, alert_id, seen.version,
                status=work.status, owner=work.owner, note=work.note,
            )  # fmt: skip
        except StoreConflict:
            self.notify(self.tr("app.conflict"), severity="warning", timeout=10, markup=False)
        except Refused as e:
            self.own.refused(e)
        except CitywallError as e:
            self.complain(e)
        else:
            self.say(self.tr("app.changed", what=self._said(work)))
        self.worked()

    def _said(self, work: Work) -> str:
        said = []
        if work.status is not None:
            said.append(self.tr(f"app_status.{work.status}"))
        if work.owner is not None:
            said.append(self.tr("app_alert.owned", owner=work.owner or self.tr("app_alert.nobody")))
        if work.note is not None:
            said.append(self.tr("app_key.note"))
        return ", ".join(said)


def host_of(document: Mapping[str, Any], side: str) -> str:
    """The one host on a side of an alert or flow, `""` where it names several or none."""
    if address := words(document, f"{side}.ip"):
        return address
    listed = value(document, "citywall.sources" if side == "source" else "citywall.targets")
    sample = listed.get("sample") if isinstance(listed, Mapping) else None
    return str(sample[0]) if isinstance(sample, list) and len(sample) >= 1 and listed["count"] == 1 else ""


def flows_of(document: Mapping[str, Any]) -> str:
    """A filter that finds the flows of an alert: by Community ID, else by host and time."""
    named = value(document, "network.community_id")
    ids = list(dict.fromkeys(named if isinstance(named, list) else []))[:_NAMED]
    if ids:
        return " OR ".join(f'community:"{i}"' for i in ids)
    hosts = [h for side in ("source", "destination") if (h := host_of(document, side))]
    start, stop = words(document, "event.start"), words(document, "event.end")
    if not hosts or not start or not stop:
        return ""
    about = " ".join(f"ip:{h}" for h in hosts)
    since, until = (times.from_iso(t) for t in (start, stop))
    return f"{about} last>={_stamp(since - _MARGIN)} first<={_stamp(until + _MARGIN)}"


def _stamp(time: int) -> str:
    return times.to_iso(time)[:19]
