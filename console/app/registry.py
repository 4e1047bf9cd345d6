"""Every view there is: one line each. Their names and descriptions are in the catalogue.

`app_view.<name>` is a view's title, `app_about.<name>` what it is for.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.app.view import View


@dataclass(frozen=True)
class Spec:
    """Where a view's class is; `jump`: it can be gone to by name; `takes`: only with something to look at."""

    place: str
    jump: bool = True
    takes: bool = False


_VIEWS = "console.app.views"
VIEWS: dict[str, Spec] = {
    "overview": Spec(f"{_VIEWS}.overview:OverviewView"),
    "alerts": Spec(f"{_VIEWS}.alerts:AlertsView"),
    "flows": Spec(f"{_VIEWS}.flows:FlowsView"),
    "status": Spec(f"{_VIEWS}.status:StatusView"),
    "cases": Spec(f"{_VIEWS}.cases:CasesView"),
    "runs": Spec(f"{_VIEWS}.runs:RunsView"),
    "approvals": Spec(f"{_VIEWS}.approvals:ApprovalsView"),
    "drills": Spec(f"{_VIEWS}.drills:DrillsView"),
    "notices": Spec(f"{_VIEWS}.notices:NoticesView"),
    "host": Spec(f"{_VIEWS}.host:HostView", takes=True),
    "alert": Spec(f"{_VIEWS}.alert:AlertView", jump=False, takes=True),
    "case": Spec(f"{_VIEWS}.case:CaseView", jump=False, takes=True),
    "run": Spec(f"{_VIEWS}.run:RunView", jump=False, takes=True),
    "drill": Spec(f"{_VIEWS}.drill:DrillView", jump=False, takes=True),
    "notice": Spec(f"{_VIEWS}.notice:NoticeView", jump=False, takes=True),
    "help": Spec(f"{_VIEWS}.help:HelpView"),
}


def jumps() -> list[str]:
    """Names of views that can be gone to, in order."""
    return [name for name, spec in VIEWS.items() if spec.jump]


def numbered() -> list[str]:
    """Names of views that a digit opens: those that need nothing to look at, but the keys."""
    return [name for name, spec in VIEWS.items() if spec.jump and not spec.takes and name != "help"]


def make(name: str, argument: str = "") -> View:
    """A view, looking at `argument`."""
    module, _, attribute = VIEWS[name].place.partition(":")
    view: View = getattr(importlib.import_module(module), attribute)(argument)
    return view


def matching(text: str) -> str | None:
    """The view that a name or its beginning means; None where it is none or several."""
    if text in jumps():
        return text
    found = [name for name in jumps() if name.startswith(text)] if text else []
    return found[0] if len(found) == 1 else None
