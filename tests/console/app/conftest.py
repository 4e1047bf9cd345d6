"""A data folder with real alerts, accounts and flows, and the application driven over it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from alerts.cases.casebook import Casebook
from alerts.cases.facts import Case
from alerts.docfile import DocFile
from alerts.store import open_store
from citywall.settings import Settings, load
from console import signin
from console.app.application import Console
from console.sources import Sources
from console.workdesk import Desk
from trust import accounts
from trust.passwords import Passwords

PASSWORD = "Correct-Horse-9"


@pytest.fixture
def settings() -> Settings:
    return load(None, environment={}, assignments=("register=example",))


@pytest.fixture
def house(tmp_path: Path, real_alerts: Any, real_flows: Any, settings: Settings) -> Path:
    """Twelve alerts, six flows; two of the hosts are in the example register."""
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(12))
    store.close()
    real_flows(tmp_path, 6)
    return tmp_path


@pytest.fixture
def analyst(house: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an analyst who may log in with PASSWORD."""
    monkeypatch.setattr(accounts, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))
    with accounts.opened(house, settings) as opened:
        opened.init(signin.local(), "root", PASSWORD)
        root = opened.login("root", PASSWORD, "test")
        _, given = opened.add(root, "li", ["analyst"])
        opened.passwd("li", given, PASSWORD + "x", "test")
        _, given = opened.add(root, "wang", ["viewer"])
        opened.passwd("wang", given, PASSWORD + "x", "test")
    return "li"


@pytest.fixture
def staff(analyst: str, house: Path, settings: Settings) -> dict[str, str]:
    """Who may log in with PASSWORD + "x", by role."""
    unit = _case_of(house, settings).units[0]
    with accounts.opened(house, settings) as opened:
        root = opened.login("root", PASSWORD, "test")
        for name, role, bound in (
            ("chen", "approver", ""), ("zhao", "approver", ""), ("sun", "liaison", unit),
            ("qian", "liaison", "elsewhere"),
        ):  # fmt: skip
            _, given = opened.add(root, name, [role], unit=bound)
            opened.passwd(name, given, PASSWORD + "x", "test")
    return {"analyst": analyst, "approver": "chen", "second": "zhao", "liaison": "sun", "other": "qian"}


@pytest.fixture
def case_id(house: Path, settings: Settings) -> str:
    """The id of the case that the alerts make."""
    return _case_of(house, settings).id


def _case_of(house: Path, settings: Settings) -> Case:
    """The alerts as one case, as if one host had been behind all of them."""
    book = Casebook(DocFile(house), settings.cases)
    store = open_store("sqlite://", house, read_only=True)
    book.take({**alert, "source": {"address": "192.0.2.1", "ip": "192.0.2.1"}} for alert in store.scan())
    store.close()
    (view,) = book.views()
    return view.case


class Driver:
    """The running application, and how tests look at it."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def lines(self) -> list[str]:
        """The screen as text, a line each."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    def text(self) -> str:
        return "\n".join(self.lines())

    async def until(self, *said: str) -> None:
        """Wait until all of these are on the screen."""
        await self.reached(lambda: all(words in self.text() for words in said), said)

    async def reached(self, condition: Callable[[], bool], what: object = "") -> None:
        limit = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < limit, f"{what} never came:\n{self.text()}"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def log_in(self, name: str) -> None:
        """Answer the log-in dialog."""
        await self.until("Log in", "enter: log in")
        await self.type(name)
        await self.type(PASSWORD + "x")

    async def type(self, words: str) -> None:
        """Put text into what has the focus, as a paste does, and enter it."""
        self.app.focused.value = words  # type: ignore[union-attr]
        await self.pilot.press("enter")


@pytest.fixture
def drive(house: Path, settings: Settings) -> Callable[..., None]:
    """`drive(story)` runs `await story(driver)` over the house."""

    def run(
        story: Callable[[Driver], Awaitable[None]],
        speech: str = "en",
        begin: tuple[str, str] = ("overview", ""),
        size: tuple[int, int] = (120, 36),
    ) -> None:
        async def play() -> None:
            sources = Sources(house, settings)
            app = Console(sources, Desk(house, settings), speech, begin)
            async with app.run_test(size=size, notifications=True) as pilot:
                await story(Driver(app, pilot))
            sources.close()

        asyncio.run(play())

    return run


@pytest.fixture
def notice_id(staff: dict[str, str], house: Path, settings: Settings) -> str:
    """A notice about the case, to the unit of the liaison."""
    import time as clock

    from alerts import desk as desks
    from alerts.duties.notices import Notice
    from alerts.duties.office import Office

    now, day = clock.time_ns(), 86_400 * 10**9
    case = _case_of(house, settings)
    draft = Notice(
        "live", case.units[0], "市大数据局", "门户弱口令", "weakness", "弱口令三处", "限期修改", now,
        now + day,
        now + 5 * day, cases=(case.id,),
    )  # fmt: skip
    with desks.opened(house, settings) as (desk, opened):
        by = opened.login("li", PASSWORD + "x", "test")
        return Office(desk.documents, settings.reporting.sender_code).issue_notice(desk, by, draft).id
