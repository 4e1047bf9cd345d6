"""An office: a data folder with people, as a service has it open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from citywall.permissions import LOCAL, Identity
from citywall.settings import load
from console.caller import Office
from console.commands.playbooks import world_of
from playbooks.desk import Desk, library_of
from playbooks.runfile import RunFile
from trust import chain
from trust.accountfile import AccountFile
from trust.accounts import Accounts
from trust.audit import AuditLog
from trust.passwords import Passwords

FIRST, WORD = "Correct-Horse-9", "Battery-Staple-8"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """With root (administrator), li (analyst) and wang (approver), whose password is `word`."""
    data, settings = tmp_path / "data", load(None, {})
    with AuditLog(data / chain.FOLDER) as log:
        hashing = Passwords(memory_kib=64, passes=1, lanes=1)
        accounts = Accounts(AccountFile(data), log, settings.accounts, hashing=hashing)
        accounts.init(Identity("os", (LOCAL,)), "root", FIRST)
        root = accounts.login("root", FIRST, "test")
        for name, role in (("li", "analyst"), ("wang", "approver")):
            _, given = accounts.add(root, name, [role])
            accounts.passwd(name, given, WORD, "test")
        desk = Desk(RunFile(data), accounts, library_of(settings), world_of(data, settings))
        yield Office(data, settings, accounts, desk)


@pytest.fixture
def word() -> str:
    return WORD
