"""The analyst's hands: by commands, or by keys in the console."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError
from bench.story.house import PASSWORD, ROOT, House, wait
from bench.story.terminal import Terminal

ANALYST = "ann"
_STEPS = (("triage", "it is a scan"), ("handling", "being blocked"), ("resolved", "nothing answered"))


class Hands(Protocol):
    """What an analyst does about an alert."""

    def read(self, alert: str) -> str:
        """Read why an alert fired; what is said."""
        ...

    def take(self, alert: str) -> None:
        """Take it as one's own."""
        ...

    def slice(self, alert: str, out: Path) -> None:
        """Cut its packets out of what was kept."""
        ...

    def start(self, playbook: str, alert: str) -> str:
        """Start a playbook for real; the run's id."""
        ...

    def answer(self, run: str, **outputs: str) -> None:
        """Say that the manual step of a run is done."""
        ...

    def close_case(self, case: str) -> None:
        """Take a case through its life to its end."""
        ...


class Commands:
    """By commands; one that fails for want of the service may be given again."""

    def __init__(self, house: House) -> None:
        self._house = house

    def read(self, alert: str) -> str:
        """See :class:`Hands`."""
        return str(self._house.read("alerts", "show", alert)[0])

    def take(self, alert: str) -> None:
        """See :class:`Hands`."""
        self._house.act(ANALYST, "alerts", "work", alert, "--status", "in_progress", "--owner", ANALYST)

    def slice(self, alert: str, out: Path) -> None:
        """See :class:`Hands`."""
        self._house.read("pcap", "slice", "--alert", alert, "--out", out)

    def start(self, playbook: str, alert: str) -> str:
        """See :class:`Hands`."""
        told = self._house.act(ANALYST, "playbooks", "run", playbook, "--alert", alert, "--live")
        return str(told["id"])

    def answer(self, run: str, **outputs: str) -> None:
        """See :class:`Hands`."""
        given = [f"--out={name}={text}" for name, text in outputs.items()]
        self._house.act(ANALYST, "playbooks", "answer", run, "done", *given)

    def close_case(self, case: str) -> None:
        """See :class:`Hands`."""
        for status, why in _STEPS:
            self._house.act(ANALYST, "cases", "move", case, status, "--text", why)
        self._house.act(ANALYST, "cases", "close", case, "--outcome", "handled", "--text", "blocked")


class Keys:
    """By keys, in a console that stands on its list of alerts and a shell beside it.

    `words` are what the console says in its language for: why it fired, logged in, in progress.
    """

    def __init__(self, house: House, console: Terminal, shell: Terminal) -> None:
        self._house = house
        self._console = console
        self._shell = shell

    def read(self, alert: str) -> str:
        """See :class:`Hands`: the newest alert of the list is opened."""
        self._console.keys("Enter")
        self._console.until(alert)
        told = self._console.save("alert")
        self._console.page("Why it fired")
        return told + self._console.save("why")

    def take(self, alert: str) -> None:
        """See :class:`Hands`: who is not logged in is asked. The alert is in sight."""
        self._console.until(alert)
        self._console.keys("o")
        self._console.until("user name")
        self._console.save("log-in")
        self._console.text(ANALYST)
        self._console.keys("Enter")
        self._console.text(PASSWORD)
        self._console.keys("Enter")
        self._console.until(f"{ANALYST} (analyst)", "in progress")

    def slice(self, alert: str, out: Path) -> None:
        """See :class:`Hands`."""
        command = self._house.command("pcap", "slice", "--alert", alert, "--out", out)
        self._shell.text(f"{shlex.join(command)}; echo exit=$?")
        self._shell.keys("Enter")
        self._shell.until("exit=0")
        self._shell.save("slice")

    def start(self, playbook: str, alert: str) -> str:
        """See :class:`Hands`: `playbook` is the last of the list."""
        before = {run["id"] for run in self._house.read("playbooks", "status")}
        self._console.keys("p")
        self._console.until("dry run")
        self._console.save("playbooks")
        self._console.keys("End", "Tab", "Down", "Enter")
        self._console.until("waits for")
        self._console.save("run")
        new = [run for run in self._house.read("playbooks", "status") if run["id"] not in before]
        if [(run["alert"], run["live"]) for run in new] != [(alert, True)]:
            raise BenchError(f"the console started {new}, not {playbook} for {alert}")
        return str(new[0]["id"])

    def answer(self, run: str, **outputs: str) -> None:
        """See :class:`Hands`: the run is in sight."""
        waits = waiting(self._house, run)
        self._console.keys("d")
        self._console.until("enter: store")
        for text in outputs.values():
            self._console.keys("Tab")
            self._console.text(text)
        self._console.keys("Enter")
        wait(lambda: waiting(self._house, run) != waits, self._console.screen)
        self._console.save("answered")

    def close_case(self, case: str) -> None:
        """See :class:`Hands`."""
        self._console.press(":", ":go to")
        self._console.text(f"case {case}")
        self._console.until(f":go to case {case}")
        self._console.keys("Enter")
        self._console.until("1-1 of 1")
        self._console.press("Enter", "Cases > Case", "Network scan")
        for status in ("triage", "handling", "resolved"):
            self._console.keys("w")
            self._console.until("enter: store")
            self._console.keys("Enter")
            wait(partial(self._stands, case, status), self._console.screen)
        self._console.save("case")
        self._console.keys("x")
        self._console.until("enter: store")
        self._console.keys("Tab")
        self._console.text("blocked")
        self._console.keys("Enter")
        wait(partial(self._stands, case, "closed"), self._console.screen)
        self._console.save("closed")

    def _stands(self, case: str, status: str) -> bool:
        return bool(self._house.read("cases", "show", case)[0]["status"] == status)


def waiting(house: House, run: str) -> list[tuple[str, str]]:
    """Keys and states of what a run waits for."""
    return [(a["key"], a["state"]) for a in house.run(run)["actions"] if a["state"] in {"manual", "approval"}]


def shell(house: House, folder: Path | None) -> Terminal:
    """A shell in which commands are typed."""
    return Terminal(["bash", "--norc"], {**house.environment, "PS1": "$ "}, ROOT, folder)
