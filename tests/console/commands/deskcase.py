"""What the tests of cases, mutes, warnings and notices share: a data folder with people and alerts in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from citywall.permissions import LOCAL, Identity
from citywall.settings import Settings
from console.cli import cli
from trust import accounts as room
from trust.passwords import Passwords

WORD = "Correct-Horse-9"
NEXT = "Battery-Staple-8"
PEOPLE = {
    "li": ("analyst", ""),
    "chen": ("approver", ""),
    "wang": ("liaison", "edu"),
    "sun": ("liaison", "tax"),
}


class People:
    """Runs commands over a data folder: `call("cases", "list")`, `call("cases", "close", …, by="li")`."""

    def __init__(self, invoke: Any, data: Path) -> None:
        self.data = data
        self._invoke = invoke
        with room.opened(data, Settings()) as accounts:
            accounts.init(Identity("test", (LOCAL,)), "root", WORD)
            root = accounts.login("root", WORD, "test")
            for name, (role, unit) in PEOPLE.items():
                _, given = accounts.add(root, name, (role,), unit)
                accounts.passwd(name, given, NEXT, "test")

    def __call__(self, *arguments: str, by: str = "", lang: str = "en") -> Any:
        signed = ("--as", by) if by else ()
        command = (*arguments, *signed, "--data", str(self.data), "--lang", lang)
        return self._invoke.runner.invoke(cli, command, input=f"{NEXT}\n", env={"LC_ALL": "C.UTF-8"})

    def told(self, *arguments: str, by: str = "") -> Any:
        """The object that a command gives with `--json`."""
        done = self(*arguments, "--json", by=by)
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def take(self, *alerts: Any) -> None:
        """Make cases of alerts."""
        Casebook(DocFile(self.data), Settings().cases).take(alerts)


def quick_passwords() -> Passwords:
    """Hashing that takes no time."""
    return Passwords(memory_kib=64, passes=1, lanes=1)
