"""Accounts: set up, log in, change; whatever happens is in the log, and nothing is that did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trust_logs import SECOND, Clock

from citywall.canonical import digest
from citywall.errors import DataFolderBusy, Refused, StoreConflict, StoreError
from citywall.permissions import LOCAL, Identity, Target
from citywall.settings import Settings
from citywall.trustsettings import AccountSettings
from trust import accountfile, chain
from trust.accountfile import AccountFile
from trust.accounts import CUT, UNDONE, Accounts, opened
from trust.audit import AuditLog, entry
from trust.passwords import Passwords
from trust.records import Record
from trust.verify import verify

ROOT = Path(__file__).resolve().parents[2]
ME = Identity("root@host", (LOCAL,), via="command")
CHEAP = Passwords(memory_kib=64, passes=1, lanes=1)
FIRST = "Correct-Horse-9"
OTHER = "Battery-Staple-8"
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    with AuditLog(tmp_path / "audit", clock=clock) as log:
        yield Accounts(AccountFile(tmp_path), log, AccountSettings(), hashing=CHEAP, clock=clock)


@pytest.fixture
def root(accounts: Accounts) -> Identity:
    """The first administrator."""
    accounts.init(ME, "root", FIRST)
    return accounts.login("root", FIRST, "test")


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[..., list[Record]]:
    def read(action: str = "") -> list[Record]:
        files = chain.files_in(tmp_path / "audit")
        return chain.search(files, lambda record: record.action.startswith(action), 0).records

    return read


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=f": {code}$")


def test_the_first_administrator(accounts: Accounts, log_of: Callable[..., list[Record]]) -> None:
    stored = accounts.init(ME, "root", FIRST, "王丽")
    assert (stored.account.roles, stored.version) == (("administrator",), 1)
    record = log_of()[-1]
    assert (record.who, record.role, record.action, record.object) == (
        "root@host", "local", "accounts.init", "account:root",
    )  # fmt: skip
    assert (record.before, record.after) == ("", digest(stored.account))
    with refused("has_accounts"):
        accounts.init(ME, "other", FIRST)
    with refused("role"):
        accounts.init(accounts.login("root", FIRST, ""), "other", FIRST)
    assert [r.outcome for r in log_of("accounts.init")] == ["done", "refused", "refused"]


def test_a_set_up_that_is_refused_makes_nothing(
    accounts: Accounts, log_of: Callable[..., list[Record]]
) -> None:
    for name, password, code in (
        ("root", "short", "password_weak"), ("root", "Root-Horse-9-x", "password_name"),
        ("Root!", FIRST, "name"),
    ):  # fmt: skip
        with refused(code):
            accounts.init(ME, name, password)
    assert [r.reason for r in log_of("accounts.init")] == ["password_weak", "password_name", "name"]
    accounts.init(ME, "root", FIRST)


def test_no_password_is_in_the_log_or_the_file(accounts: Accounts, root: Identity, tmp_path: Path) -> None:
    _, given = accounts.add(root, "li", ["analyst"])
    accounts.passwd("li", given, OTHER, "")
    with refused("login"):
        accounts.login("li", "Wrong-Password-7", "")
    with refused("login"):
        accounts.login("Typed-Where-the-Name-9", "x", "")
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (FIRST, OTHER, given, "Wrong-Password-7", "Typed-Where-the-Name-9"):
        assert secret.encode() not in stored
    assert b"argon2id" not in b"".join(p.read_bytes() for p in (tmp_path / "audit").iterdir())


def test_log_in(accounts: Accounts, root: Identity, log_of: Callable[..., list[Record]]) -> None:
    assert root == Identity("root", ("administrator",), via="test")
    done = log_of("accounts.login")[-1]
    assert (done.who, done.role, done.via, done.outcome) == ("root", "administrator", "test", "done")
    words = set()
    for name, why in (("root", "wrong_password"), ("nobody", "unknown_user")):
        with refused("login") as told:
            accounts.login(name, "Wrong-Password-7", "test")
        words.add(told.value.code)
        record = log_of("accounts.login")[-1]
        assert (record.who, record.outcome, record.reason) == (name, "refused", why)
    assert words == {"login"}


def test_the_first_password_must_be_changed(accounts: Accounts, root: Identity) -> None:
    stored, given = accounts.add(root, "li", ["approver", "analyst"], full_name="李强")
    assert stored.account.roles == ("analyst", "approver")
    with refused("password_expired"):
        accounts.login("li", given, "")
    with refused("password_weak"):
        accounts.passwd("li", given, "weak", "")
    with refused("password_again"):
        accounts.passwd("li", given, given, "")
    with refused("login"):
        accounts.passwd("li", "not it", OTHER, "")
    accounts.passwd("li", given, OTHER, "")
    assert accounts.login("li", OTHER, "").role == "analyst+approver"
    with refused("password_again"):
        accounts.passwd("li", OTHER, given, "")


def test_passwords_grow_old(accounts: Accounts, root: Identity, clock: Clock) -> None:
    clock.now += 91 * DAY
    with refused("password_expired"):
        accounts.login("root", FIRST, "")
    accounts.passwd("root", FIRST, OTHER, "")
    accounts.login("root", OTHER, "")


def test_failures_lock_an_account_for_a_while(
    accounts: Accounts, root: Identity, clock: Clock, log_of: Callable[..., list[Record]]
) -> None:
    for _ in range(4):
        with refused("login"):
            accounts.login("root", "wrong", "")
    accounts.login("root", FIRST, "")  # a success forgets them
    for _ in range(5):
        with refused("login"):
            accounts.login("root", "wrong", "")
    with refused("locked") as told:
        accounts.login("root", FIRST, "")
    assert told.value.values == {"minutes": 30}
    with refused("locked"):
        accounts.passwd("root", FIRST, OTHER, "")
    lock = log_of("accounts.lock")[-1]
    assert (lock.object, lock.detail["failures"]) == ("account:root", 5)
    clock.now += 31 * MINUTE
    accounts.login("root", FIRST, "")


def test_failures_far_apart_lock_nothing(accounts: Accounts, root: Identity, clock: Clock) -> None:
    for _ in range(12):
        with refused("login"):
            accounts.login("root", "wrong", "")
        clock.now += 5 * MINUTE
    accounts.login("root", FIRST, "")


def test_an_administrator_unlocks(accounts: Accounts, root: Identity) -> None:
    stored, given = accounts.add(root, "li", ["analyst"])
    for again in (accounts.enable, accounts.reset):
        for _ in range(5):
            with refused("login"):
                accounts.login("li", "wrong", "")
        with refused("locked"):
            accounts.login("li", given, "")
        changed = again(root, "li", stored.version)
        stored, given = changed if isinstance(changed, tuple) else (changed, given)
        with refused("password_expired"):
            accounts.login("li", given, "")


def test_a_disabled_account_is_out_at_once(accounts: Accounts, root: Identity) -> None:
    stored, given = accounts.add(root, "li", ["analyst"])
    accounts.passwd("li", given, OTHER, "")
    li = accounts.login("li", OTHER, "")
    case = Target("case", "7")
    accounts.guard.require(li, "cases.close", case)
    stored = accounts.disable(root, "li", accounts.get(root, "li").version)
    with refused("no_longer"):
        accounts.guard.require(li, "cases.close", case)
    with refused("login"):
        accounts.login("li", OTHER, "")
    stored = accounts.enable(root, "li", stored.version)
    accounts.guard.require(li, "cases.close", case)
    accounts.set_roles(root, "li", ["viewer"], "", stored.version)
    with refused("no_longer"):
        accounts.guard.require(li, "cases.close", case)
    assert not accounts.is_current(Identity("li", ("administrator",)))  # made up


def test_roles_are_checked(accounts: Accounts, root: Identity, log_of: Callable[..., list[Record]]) -> None:
    with refused("separate_duties"):
        accounts.add(root, "li", ["administrator", "auditor"])
    with refused("unit"):
        accounts.add(root, "li", ["liaison"])
    stored, _ = accounts.add(root, "li", ["liaison"], "教育局")
    assert stored.account.identity("").unit == "教育局"
    with refused("liaison_alone"):
        accounts.set_roles(root, "li", ["liaison", "analyst"], "教育局", 1)
    with refused("own_account"):
        accounts.set_roles(root, "root", ["administrator", "viewer"], "", 1)
    with refused("own_account"):
        accounts.disable(root, "root", 1)
    with refused("name_taken"):
        accounts.add(root, "li", ["viewer"])
    with refused("no_account"):
        accounts.disable(root, "nobody", 1)
    with refused("full_name"):
        accounts.add(root, "wang", ["viewer"], full_name="x" * 101)
    li = stored.account.identity("")
    for attempt in (
        lambda: accounts.add(li, "wang", ["viewer"]),
        lambda: accounts.everyone(li),
        lambda: accounts.get(li, "root"),
        lambda: accounts.reset(li, "root", 1),
    ):
        with refused("role"):
            attempt()
    assert [stored.account.name for stored in accounts.everyone(root)] == ["li", "root"]
    assert all(record.reason for record in log_of("accounts.") if record.outcome == "refused")


def test_who_changes_must_have_seen_the_newest(
    accounts: Accounts, root: Identity, log_of: Callable[..., list[Record]]
) -> None:
    stored, _ = accounts.add(root, "li", ["analyst"])
    newer = accounts.set_roles(root, "li", ["viewer"], "", stored.version)
    assert newer.version == stored.version + 1
    with pytest.raises(StoreConflict, match="li was changed meanwhile"):
        accounts.disable(root, "li", stored.version)
    record = log_of()[-1]
    assert (record.action, record.outcome, record.reason) == (
        "accounts.disable",
        "refused",
        "changed_meanwhile",
    )
    changed = log_of("accounts.roles")[-1]
    assert (changed.before, changed.after) == (digest(stored.account), digest(newer.account))


def test_hashes_of_other_parameters_are_made_anew(
    accounts: Accounts, root: Identity, tmp_path: Path, clock: Clock, log_of: Callable[..., list[Record]]
) -> None:
    dearer = Passwords(memory_kib=128, passes=1, lanes=1)
    again = Accounts(AccountFile(tmp_path), accounts.log, AccountSettings(), hashing=dearer, clock=clock)
    assert again.login("root", FIRST, "test") == root
    assert "m=128," in again.get(root, "root").account.password
    (told,) = log_of("accounts.rehash")
    assert (told.who, told.after) == ("citywall", digest(again.get(root, "root").account))
    again.login("root", FIRST, "test")


def test_what_cannot_be_recorded_is_not_done(
    accounts: Accounts, root: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("trust.audit.os.fsync", broken)
    with pytest.raises(Exception, match="Input/output error"):
        accounts.add(root, "li", ["analyst"])
    monkeypatch.undo()
    assert [stored.account.name for stored in accounts.everyone(root)] == ["root"]


def test_a_change_that_was_recorded_and_not_stored_is_said_not_to_be_there(
    accounts: Accounts, root: Identity, monkeypatch: pytest.MonkeyPatch, log_of: Callable[..., list[Record]]
) -> None:
    def audited(self: accountfile.Transaction, n: int) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(accountfile.Transaction, "audited", property(lambda _: 0, audited))
    with pytest.raises(StoreError, match="is full"):
        accounts.add(root, "li", ["analyst"])
    monkeypatch.undo()
    accounts.add(root, "wang", ["viewer"])
    added, undone, later = log_of("accounts.")[-3:]
    assert (added.action, added.object, added.outcome) == ("accounts.add", "account:li", "done")
    assert (undone.action, undone.object, undone.outcome) == (UNDONE, f"record:{added.n}", "failed")
    assert later.object == "account:wang"
    assert [s.account.name for s in accounts.everyone(root)] == ["root", "wang"]


KILLED = """
import os, signal, sys
from pathlib import Path
from citywall.settings import Settings
from trust import accountfile, accounts
from trust.passwords import Passwords
accounts.Passwords = lambda: Passwords(memory_kib=64, passes=1, lanes=1)
def dead(self, n):
    os.kill(os.getpid(), signal.SIGKILL)
with accounts.opened(Path(sys.argv[1]), Settings()) as room:
    root = room.login("root", sys.argv[2], "test")
    accountfile.Transaction.audited = property(lambda _: 0, dead)
    room.add(root, "li", ["analyst"])
"""


def test_killed_between_record_and_commit(tmp_path: Path, log_of: Callable[..., list[Record]]) -> None:
    with AuditLog(tmp_path / "audit") as log:
        Accounts(AccountFile(tmp_path), log, AccountSettings(), hashing=CHEAP).init(ME, "root", FIRST)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), FIRST], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    lost = log_of("accounts.add")[-1]
    for _ in range(2):  # said once
        with opened(tmp_path, Settings()) as accounts:
            assert accounts.log.head.n == lost.n + 1
    undone = log_of()[-1]
    assert (undone.action, undone.detail["record"]) == (UNDONE, lost.n)
    assert AccountFile(tmp_path).get("li") is None
    assert verify(tmp_path).ok


def test_a_log_cut_off_or_replaced_is_said(tmp_path: Path, log_of: Callable[..., list[Record]]) -> None:
    for _ in range(2):
        with AuditLog(tmp_path / "audit") as log:
            accounts = Accounts(AccountFile(tmp_path), log, AccountSettings(), hashing=CHEAP)
            if not accounts.everyone(ME):
                accounts.init(ME, "root", FIRST)
                expected = log.head.n
                for path in chain.files_in(log.folder):
                    path.unlink()
    told = log_of(CUT)
    assert [record.detail for record in told] == [{"expected": expected, "found": 0}]
    with opened(tmp_path, Settings()):
        assert log_of(CUT) == told  # said once


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path, Settings()),
        pytest.raises(DataFolderBusy, match=f"pid {os.getpid()}"),
        opened(tmp_path, Settings()),
    ):
        pass


def test_a_new_file_beside_an_old_log_calls_nothing_undone(
    accounts: Accounts, root: Identity, tmp_path: Path, log_of: Callable[..., list[Record]]
) -> None:
    accounts.log.append(entry(root, "cases.close", Target("case", "7")))
    (tmp_path / accountfile.NAME).unlink()
    again = Accounts(AccountFile(tmp_path), accounts.log, AccountSettings(), hashing=CHEAP)
    again.init(ME, "root", OTHER)
    assert log_of(UNDONE) == []
