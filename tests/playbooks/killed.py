"""A process to be killed: opens the data folder, asks for a run where there is none, and lets it go on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from citywall.permissions import LOCAL, Identity
from citywall.settings import load
from playbooks.actions.base import World
from playbooks.desk import Desk
from playbooks.library import Library
from playbooks.runfile import RunFile
from trust import accounts as room
from trust.passwords import Passwords


class Notes:
    """Notes in a file, each a line, on disk before it is told."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, case: str, key: str, text: str, by: str) -> None:
        time.sleep(0.005)
        with self.path.open("a") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
        time.sleep(0.005)

    def noted(self, case: str, key: str) -> bool:
        return self.path.exists() and f"{key}\n" in self.path.read_text()


def main(root: Path) -> None:
    room.Passwords = lambda: Passwords(memory_kib=64, passes=1, lanes=1)  # type: ignore[assignment,misc]
    settings = load(environment={})
    with room.opened(root / "data", settings) as accounts:
        word = "Correct-Horse-9"
        if not accounts.everyone(Identity("os", (LOCAL,))):
            accounts.init(Identity("os", (LOCAL,)), "root", word)
        accounts.guard._is_current = lambda _: True  # who acts is no account here
        world = World(root / "data", settings, cases=Notes(root / "notes"))
        desk = Desk(RunFile(root / "data"), accounts, Library([root / "books"]), world)
        if not desk.file.everything():
            desk.request(Identity("root", ("analyst",), via="test"), "test", {}, live=True, case="c")
        desk.tick()
        print(desk.file.everything()[0].run.status, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
