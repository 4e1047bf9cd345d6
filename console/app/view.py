"""What all views share: the bar above, the line of keys below, the prompt, and how they read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from citywall.errors import CitywallError, QueryError
from citywall.i18n import tr
from console import complaints, text
from console.app.prompt import Prompt
from console.sources import Stopped

if TYPE_CHECKING:
    from console.app.application import Console

P = ParamSpec("P")
T = TypeVar("T")
#: Hints of the keys that work everywhere.
_COMMON = ((":", "jump"), ("?", "keys"), ("L", "language"))


class View(Screen[None]):
    """One view. `argument` is what it looks at: a filter, an id, an address.

    A subclass yields its widgets in `body`, reads in `load`, and shows what it read in `retell`.
    """

    kind: ClassVar[str] = ""
    #: Keys of its own: label and catalogue key in `app_key`.
    hints: ClassVar[tuple[tuple[str, str], ...]] = ()
    filters: ClassVar[bool] = False
    #: The action that looking at it is, for who has logged in; empty where everybody may.
    reads: ClassVar[str] = "alerts.read"
    AUTO_FOCUS = "Grid, Pane"

    DEFAULT_CSS = """
    View { background: $background; }
    View > .bar { height: 1; background: $primary 25%; color: $text; }
    View > .crumbs { height: 1; background: $surface; }
    View > .hints { height: 1; background: $panel; dock: bottom; }
    """

    def __init__(self, argument: str = "") -> None:
        super().__init__()
        self.argument = argument
        self._back: Widget | None = None
        self.beat: object = None  # the application's pulse when this was last read

    @property
    def own(self) -> Console:
        """The application."""
        return cast("Console", self.app)

    @property
    def speech(self) -> str:
        """The language."""
        return self.own.speech

    @property
    def stands(self) -> bool:
        """Whether all its widgets are there: not before it is laid out, nor from when it is left or all ends.

        They end one by one, each in its own time: from the first on, `display` says no.
        """
        return self.is_mounted and self.display and bool(self.children)

    def tr(self, key: str, **values: object) -> str:
        """A text of the catalogue."""
        return tr(key, self.speech, **values)

    def compose(self) -> ComposeResult:
        """Bar, crumbs, prompt, the view's own, keys."""
        yield Static(classes="bar")
        yield Static(classes="crumbs")
        yield Prompt()
        yield from self.body()
        yield Static(classes="hints")

    def body(self) -> Iterable[Widget]:
        """The view's own widgets."""
        return ()

    def on_mount(self) -> None:
        """Show, then read."""
        self.beat = self.own.pulse
        self.retell()
        self.load()

    def on_screen_resume(self) -> None:
        """Come back into sight, perhaps in another language, perhaps with news."""
        if not self.stands:
            return
        self.retell()
        if self.beat != self.own.pulse:
            self.beat = self.own.pulse
            self.changed()

    def on_resize(self) -> None:
        """Draw the lines that are as wide as the terminal."""
        self.frame()

    def load(self) -> None:
        """Read what is shown, in the background."""

    def changed(self) -> None:
        """Alerts may have been written: read anew if that is cheap."""

    def health_changed(self) -> None:
        """News of the run."""
        self.frame()

    def retell(self) -> None:
        """Show what was read, in the present language."""
        self.frame()

    def place(self) -> str:
        """What stands behind the view's name in the crumbs."""
        return self.argument

    def aside(self) -> str:
        """What stands at the right of the crumbs."""
        return ""

    def frame(self) -> None:
        """Draw bar, crumbs and keys."""
        width = self.app.size.width
        if not self.stands or width <= 0:
            return
        self.query_one(".bar", Static).update(self.own.bar(width), layout=False)
        self.query_one(".hints", Static).update(self._keys(width), layout=False)
        self.where()

    def where(self) -> None:
        """Draw the crumbs: which view, what it looks at, where in it."""
        width = self.app.size.width
        if self.stands and width > 0 and self in self.own.trail():  # messages may come when it is left
            self.query_one(".crumbs", Static).update(self._crumbs(width), layout=False)

    def _crumbs(self, width: int) -> Text:
        trail = [self.tr(f"app_view.{v.kind}") for v in self.own.trail()]
        aside = text.clean(self.aside())
        left: list[tuple[str, str]] = [(" " + " > ".join([*trail[:-1], ""]), "dim"), (trail[-1], "bold")]
        room = width - sum(text.width(piece) for piece, _ in left) - text.width(aside) - 4
        said = text.truncate_middle(text.clean(self.place()), max(room, 0))
        left.append((f"  {said}", "cyan"))
        used = sum(text.width(piece) for piece, _ in left)
        left.append((" " * max(width - used - text.width(aside) - 1, 1), ""))
        left.append((aside, ""))
        return Text.assemble(*left, no_wrap=True, overflow="crop")

    def _keys(self, width: int) -> Text:
        line, used = Text(no_wrap=True, overflow="crop"), 0
        back = (("esc", "back"),) if len(self.own.trail()) > 1 else ()
        own = (*self.hints, ("/", "filter")) if self.filters else self.hints
        for label, key in (*own, *back, *_COMMON):
            said = self.tr(f"app_key.{key}")
            cells = text.width(label) + text.width(said) + 4
            if used + cells > width:
                break
            line.append(f" {label} ", "bold reverse")
            line.append(f" {said} ", "")
            used += cells
        return line

    def behind(
        self, work: Callable[[], Awaitable[object]], group: str = "default", *, exclusive: bool = False
    ) -> None:
        """Do work in the background; begun only if the view is still there, and ended with it."""
        self.run_worker(cast("Any", work), group=group, exclusive=exclusive)

    async def ask(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T | None:
        """What `function` returns, asked in a thread; None where it failed, which is told."""
        try:
            return await asyncio.to_thread(function, *args, **more)
        except Stopped:
            return None
        except CitywallError as error:
            self.complain(error)
            return None

    def complain(self, error: BaseException) -> None:
        """Tell an error."""
        said = complaints.sentence(error, self.speech)
        self.notify(said, severity="error", timeout=8, markup=False)

    def say(self, said: str) -> None:
        """Tell something."""
        self.notify(text.clean(said), timeout=4, markup=False)

    def begin(self, kind: str, value: str = "", names: Callable[[str], Sequence[str]] | None = None) -> None:
        """Open the prompt."""
        self._back = self.focused
        label = {"filter": "/", "jump": ":"}.get(kind, "") + self.tr(f"app.prompt_{kind}")
        self.query_one(Prompt).open(kind, label, value, names)

    def end(self) -> None:
        """Close the prompt."""
        self.query_one(Prompt).close()
        if self._back is not None:
            self.set_focus(self._back)

    def on_prompt_left(self) -> None:
        """Nothing is to be done."""
        self.end()

    def on_prompt_given(self, event: Prompt.Given) -> None:
        """Do what was typed; where it cannot be done the prompt stays open and says why."""
        try:
            self.given(event.kind, event.text)
        except QueryError as e:
            self.query_one(Prompt).fault(self.tr("error.query", column=e.column, reason=e.reason, query=""))
        except CitywallError as e:
            self.query_one(Prompt).fault(complaints.sentence(e, self.speech))
        else:
            self.end()

    def given(self, kind: str, typed: str) -> None:
        """Do what was typed in the prompt; raises CitywallError where that cannot be."""
        if kind == "jump":
            self.own.jump(typed)
        elif kind == "export":
            self.own.export_to(typed)

    def check(self, argument: str, language: str) -> None:
        """Raise CitywallError where the view cannot look at `argument`."""

    # What keys ask of a view that has it; the others do nothing.

    def filter_names(self) -> Sequence[str]:
        """Names that complete a filter."""
        return ()

    def copied(self) -> str:
        """What `c` copies."""
        return self.argument

    def document(self) -> dict[str, Any] | None:
        """What `y` copies."""
        return None

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """What `e` exports: a function that gives documents; None for a view that exports nothing."""
        return None
