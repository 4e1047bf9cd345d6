"""The keys, the views, the language of filters."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from alerts.query import ALERTS, FLOWS
from citywall.i18n import tr
from console.app import registry
from console.app.pane import Pane
from console.app.view import View
from console.display.sheet import Section

_EVERYWHERE = ((":", "jump"), ("/", "filter"), ("?", "keys"), ("esc", "back"), ("r", "refresh"),
               ("L", "language"), ("ctrl+p", "palette"), ("c", "copy"), ("y", "copy_document"),
               ("e", "export"), ("ctrl+q", "quit"))  # fmt: skip
_LISTS = (("enter", "open"), ("↑ ↓ j k", "move"), ("pgup pgdn space", "page"), ("g home", "top"),
          ("G end", "bottom"), ("T", "time"), ("tab", "switch"))  # fmt: skip
_ALERT = (("a", "acknowledge"), ("o", "take"), ("w", "work"), ("n", "note"), ("h", "source"),
          ("t", "target"), ("f", "flows"), ("p", "playbook"))  # fmt: skip
_CASE = (("o", "take"), ("w", "work"), ("n", "note"), ("p", "playbook"), ("x", "close"), ("v", "runs"),
         ("tab", "switch"))  # fmt: skip
_RUN = (("a", "approve"), ("d", "answer"), ("b", "rollback"), ("X", "abort"), ("v", "alert"))


class HelpView(View):
    """What the keys do."""

    kind = "help"
    reads = ""
    hints = (("↑ ↓", "scroll"),)

    def body(self) -> Iterable[Widget]:
        """The sections."""
        yield Pane()

    def retell(self) -> None:
        """In the present language."""
        super().retell()
        if self.stands:
            self.query_one(Pane).show(sections(self.speech))


def sections(language: str) -> list[Section]:
    """The keys by where they work, the views, the fields of filters."""
    found = []
    for name, keys in (
        ("everywhere", _EVERYWHERE),
        ("lists", _LISTS),
        ("alert", _ALERT),
        ("case", _CASE),
        ("run", _RUN),
    ):
        section = Section(tr(f"app_help.{name}", language))
        for key, about in keys:
            section.say(key, tr(f"app_key.{about}", language))
        found.append(section)
    views = Section(tr("app_help.views", language))
    for name in registry.jumps():
        number = registry.numbered().index(name) + 1 if name in registry.numbered() else ""
        said = f"{tr(f'app_view.{name}', language)}: {tr(f'app_about.{name}', language)}"
        views.say(f"{number or ' '}  {name}", said)
    filters = Section(tr("app_help.filters", language))
    filters.prose += [
        tr("app_help.filter_text", language),
        "severity>=high   src:10.0.0.0/8 dport:22   unit:*   NOT class:attack",
        tr("app_help.alert_fields", language, names=", ".join(ALERTS.names)),
        tr("app_help.flow_fields", language, names=", ".join(FLOWS.names)),
        tr("app_help.marking", language),
    ]
    return [*found, views, filters]
