"""The application: a stack of views, the keys that work everywhere, and the pulse of what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.terminal_theme import TerminalTheme
from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.events import Event, Key
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from citywall.errors import CitywallError, Refused, UsageError
from citywall.i18n import tr
from citywall.permissions import LIAISON, Target, refusal
from console import signin, text
from console.app import registry
from console.app.dialogs import Login, LoginDialog
from console.app.export import export
from console.app.view import View
from console.responding import Responding
from console.sources import Sources
from console.workdesk import Desk

if TYPE_CHECKING:
    from stream.health import Health

#: Seconds between two looks at whether something was written.
PULSE_S = 1.0
_NIGHT = Theme(
    name="citywall",
    primary="#4c8dff", secondary="#35c2b0", accent="#f0b54a", foreground="#d5dce8",
    background="#0a101c", surface="#0e1626", panel="#18233a",
    success="#4fc38a", warning="#f0b54a", error="#f2616b", dark=True,
)  # fmt: skip
#: What the names of colours mean: those of severities, told apart by who sees red and green alike, too.
_COLOURS = TerminalTheme(
    (10, 16, 28), (213, 220, 232),
    [(24, 35, 58), (242, 97, 107), (79, 195, 138), (240, 181, 74), (76, 141, 255), (197, 134, 240),
     (83, 193, 222), (213, 220, 232)],
    [(98, 112, 140), (255, 77, 90), (110, 220, 165), (255, 205, 110), (120, 170, 255), (215, 160, 250),
     (120, 215, 240), (255, 255, 255)],
)  # fmt: skip


class Console(App[None]):
    """The console over `sources`; whoever changes something does it at `desk`."""

    TITLE = "Citywall"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "begin_jump", show=False),
        Binding("slash", "begin_filter", show=False),
        Binding("question_mark", "help", show=False),
        Binding("escape", "back", show=False),
        Binding("r", "refresh", show=False),
        Binding("L", "language", show=False),
        Binding("c", "copy", show=False),
        Binding("y", "copy_document", show=False),
        Binding("e", "begin_export", show=False),
        *(Binding(str(n), f"open({n})", show=False) for n in range(1, 10)),
    ]

    def __init__(
        self, sources: Sources, desk: Desk, speech: str, begin: tuple[str, str] = ("overview", "")
    ) -> None:
        super().__init__()
        self.sources = sources
        self.desk = desk
        self.responding = Responding(desk, sources.data, sources.settings)
        self.speech = speech
        self.health: Health | None = None
        self.cut_off = False
        self._begin = begin
        self.pulse: object = None
        self._beating = False
        self.register_theme(_NIGHT)
        self.theme = _NIGHT.name
        self.ansi_theme_dark = _COLOURS

    def tr(self, key: str, **values: object) -> str:
        """A text of the catalogue."""
        return tr(key, self.speech, **values)

    def on_mount(self) -> None:
        """Open the first view, and listen."""
        first = registry.make(*self._begin)
        self.push_screen(first if self.may(first) else self._home())
        self.set_interval(PULSE_S, self._beat)
        self.call_later(self._beat)

    async def on_event(self, event: Event) -> None:
        """Do what a key is bound to before the next key is looked at: see `console.app.keys`."""
        if isinstance(event, Key) and not event.is_forwarded and not isinstance(self.focused, Input):
            bound = self.active_bindings.get(event.key)
            if (
                bound is not None
                and bound.enabled
                and await self.run_action(bound.binding.action, bound.node)
            ):
                return
        await super().on_event(event)

    def behind(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do work in the background, whichever view is in sight."""
        self.run_worker(cast("Any", work))

    # Views

    def trail(self) -> list[View]:
        """The views that are open, the first below."""
        return [screen for screen in self.screen_stack if isinstance(screen, View)]

    @property
    def view(self) -> View | None:
        """The view in sight."""
        trail = self.trail()
        return trail[-1] if trail else None

    def show(self, name: str, argument: str = "") -> None:
        """Open a view above the one in sight."""
        view = registry.make(name, argument)
        if self.may(view):
            self.push_screen(view)
        else:
            self.behind(partial(self._turned_away, view))

    def may(self, view: View) -> bool:
        """Whether who is here may look at a view; who has not logged in has the files anyway."""
        identity = self.desk.identity
        if identity is None or not view.reads:
            return True
        return refusal(identity, view.reads, Target("view", view.kind, identity.unit)) is None

    def _home(self) -> View:
        """The first view that who is here may look at."""
        return next(view for name in ("overview", "cases", "status") if self.may(view := registry.make(name)))

    async def _turned_away(self, view: View) -> None:
        """Ask the guard, which refuses and records it."""
        identity = self.desk.identity
        if identity is None or self.view is None:
            return
        await self.view.ask(self.desk.require, view.reads, Target("view", view.kind, identity.unit))

    def jump(self, typed: str) -> None:
        """Go to the view named first in `typed`, looking at what follows; raises UsageError."""
        name, _, argument = typed.strip().partition(" ")
        if not name:
            return
        if name in ("q", "quit", "exit"):
            self.exit()
            return
        found = registry.matching(name)
        if found is None:
            said = self.tr("app.no_view", name=text.clean(name), names=", ".join(registry.jumps()))
            raise UsageError(said)
        view = registry.make(found, argument.strip())
        view.check(argument.strip(), self.speech)
        self.behind(partial(self._instead if self.may(view) else self._turned_away, view))

    async def _instead(self, view: View) -> None:
        """Open a view in place of all that are open."""
        for _ in self.trail():
            await self.pop_screen()
        await self.push_screen(view)

    def action_open(self, number: int) -> None:
        """Go to a view by its number."""
        names = registry.numbered()
        if number <= len(names):
            self.jump(names[number - 1])

    async def action_back(self) -> None:
        """Close the view in sight, unless it is the last."""
        if len(self.trail()) > 1:
            await self.pop_screen()

    def action_help(self) -> None:
        """Show the keys."""
        if self.view is not None and self.view.kind != "help":
            self.show("help")

    def action_refresh(self) -> None:
        """Read anew."""
        if self.view is not None:
            self.view.load()

    # Prompts

    def action_begin_jump(self) -> None:
        """Ask where to go."""
        if self.view is not None:
            self.view.begin("jump", names=lambda typed: registry.jumps() if " " not in typed else ())

    def action_begin_filter(self) -> None:
        """Ask for a filter."""
        if (view := self.view) is not None and view.filters:
            view.begin("filter", view.argument, lambda _: view.filter_names())

    def action_begin_export(self) -> None:
        """Ask for a file."""
        if (view := self.view) is not None and view.export_lines() is not None:
            view.begin("export", f"citywall-{view.kind}.jsonl")

    def export_to(self, name: str) -> None:
        """Export what the view in sight shows; raises UsageError where the file exists already."""
        view = self.view
        lines = view.export_lines() if view is not None else None
        if view is None or lines is None or not name:
            return
        path = Path(name).expanduser()
        if path.exists():
            raise UsageError(self.tr("app.exists", path=text.clean(str(path))))
        self.behind(partial(self._export, view, path, lines))

    async def _export(self, view: View, path: Path, lines: Any) -> None:
        view.say(self.tr("app.exporting", path=path))
        count = await view.ask(export, path, lines)
        if count is not None:
            view.say(self.tr("app.exported", count=f"{count:,}", path=path))

    # Copying

    def action_copy(self) -> None:
        """Copy what names the row or the view."""
        if (view := self.view) is not None and (said := view.copied()):
            self.copy_to_clipboard(said)
            view.say(self.tr("app.copied", text=text.truncate(said, 60)))

    def action_copy_document(self) -> None:
        """Copy the whole document."""
        import json

        if (view := self.view) is not None and (document := view.document()) is not None:
            said = json.dumps(document, ensure_ascii=False, indent=2)
            self.copy_to_clipboard(said)
            view.say(self.tr("app.copied", text=f"JSON, {len(said):,}"))

    # Language

    def action_language(self) -> None:
        """Speak the other language."""
        self.speech = "en" if self.speech == "zh" else "zh"
        if self.view is not None:
            self.view.retell()

    # Log-in

    async def logged_in(self) -> bool:
        """Whether somebody is logged in; asks where nobody is. For workers."""
        if self.desk.identity is not None:
            return True
        given: Login | None = await self.push_screen_wait(LoginDialog(self.speech))
        view = self.view
        if given is None or view is None:
            return False
        try:
            via = signin.place().replace("command", "console", 1)
            identity = await asyncio.to_thread(self.desk.log_in, given.name, given.password, via)
        except CitywallError as e:
            view.complain(e)
            return False
        roles = ", ".join(self.tr(f"role.{role}") for role in identity.roles)
        view.say(self.tr("app.logged_in", user=identity.user, roles=roles))
        view.frame()
        if not self.may(view):  # whoever sees their own unit only no longer looks at everybody's
            self.behind(partial(self._instead, self._home()))
            return False
        if LIAISON in identity.roles:  # what is others' leaves the screen
            view.load()
        return True

    def action_log_in(self) -> None:
        """Log in."""
        self.behind(self.logged_in)

    def action_log_out(self) -> None:
        """Log out; who may see their own unit only does not stay."""
        identity = self.desk.identity
        self.desk.log_out()
        if identity is not None and LIAISON in identity.roles:
            self.exit()
            return
        if self.view is not None:
            self.view.say(self.tr("app.logged_out"))
            self.view.frame()

    def refused(self, error: Refused) -> None:
        """A change was refused; who may no longer be here is asked to log in again."""
        if error.code == "no_longer":
            self.desk.log_out()
        if self.view is not None:
            self.view.complain(error)
            self.view.frame()

    # The pulse

    async def _beat(self) -> None:
        """Look whether something was written, and tell the view in sight."""
        if self._beating:
            return
        self._beating = True
        try:
            found = await asyncio.to_thread(self._look)
        except CitywallError as e:
            if self.pulse is not e.args:  # once for each reason
                self.pulse = e.args
                if self.view is not None:
                    self.view.complain(e)
            return
        finally:
            self._beating = False
        pulse, (health, cut_off) = found
        if self.view is None:
            self.pulse = pulse
            return
        if (health, cut_off) != (self.health, self.cut_off):
            self.health, self.cut_off = health, cut_off
            self.view.health_changed()
        if pulse != self.pulse:
            before, self.pulse = self.pulse, pulse
            if before is not None:
                self.view.beat = pulse
                self.view.changed()

    def _look(self) -> tuple[object, tuple[Health | None, bool]]:
        return self.sources.pulse(), self.sources.health()

    # Frame

    def bar(self, width: int) -> Text:
        """The line at the top: name, run, data folder, who is here."""
        state, style = self._state()
        identity = self.desk.identity
        who = self.tr("app.nobody")
        if identity is not None:
            who = f"{identity.user} ({', '.join(self.tr(f'role.{role}') for role in identity.roles)})"
        right = f"{text.clean(who)}  {'中文' if self.speech == 'zh' else 'EN'} "
        left: list[tuple[str, str]] = [
            (" Citywall 一城墙 ", "bold white on #2456b3"), ("  ", ""), ("● ", style), (state, style),
        ]  # fmt: skip
        used = sum(text.width(piece) for piece, _ in left) + text.width(right)
        place = str(self.sources.data) if self.sources.embedded else self.sources.settings.store
        shown = text.truncate_middle(text.clean(place), max(width - used - 4, 0))
        left.append((f"  {shown}", "dim"))
        used += text.width(shown) + 2
        left.append((" " * max(width - used, 1), ""))
        return Text.assemble(*left, (right, "bold"), no_wrap=True, overflow="crop")

    def _state(self) -> tuple[str, str]:
        if self.health is None:
            return self.tr("app.idle"), "dim"
        if self.cut_off:
            return self.tr("app.cut_off"), "bold red"
        if self.health.state == "failed":
            return self.tr("app.failed"), "bold red"
        if self.health.state == "running":
            return self.tr("app.live"), "bold yellow" if self.health.faults else "bold green"
        return self.tr("app.paused"), "dim"

    # The palette

    def action_command_palette(self) -> None:
        """Open the palette, which asks in the present language."""
        if not CommandPalette.is_open(cast("Any", self)):
            said = self.tr("app_command.search")
            self.push_screen(CommandPalette(placeholder=said, id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """What the palette offers: every view, and what works everywhere."""
        for name in registry.jumps():
            if registry.VIEWS[name].takes:
                continue
            title, about = self.tr(f"app_view.{name}"), self.tr(f"app_about.{name}")
            yield SystemCommand(title, about, lambda name=name: self.jump(name))
        chosen = "log_in" if self.desk.identity is None else "log_out"
        for name in ("refresh", "language", chosen, "quit"):
            action = getattr(self, f"action_{name}")
            yield SystemCommand(self.tr(f"app_command.{name}"), self.tr(f"app_about.{name}"), action)
        if self.view is not None and self.view.export_lines() is not None:
            yield SystemCommand(
                self.tr("app_command.export"), self.tr("app_about.export"), self.action_begin_export
            )
