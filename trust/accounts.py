"""Accounts: set up, log in, change. Every change and every refused attempt is in the audit log.

A change is one transaction of the account file: it is checked, written, recorded in the audit log (on disk),
and then committed. If the process ends between the last two, the next opening finds a record whose change
is not there and says so in another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import msgspec

from citywall.canonical import digest
from citywall.errors import DataFolderError, InputError, Refused, StoreConflict
from citywall.permissions import ADMINISTRATOR, LOCAL, OURSELVES, Identity, Target, conflict, ordered
from citywall.settings import Settings
from citywall.trustsettings import AccountSettings
from trust import chain, passwords
from trust.account import MAX_FULL_NAME, Account, Attempts, Stored, is_name
from trust.accountfile import AccountFile, Transaction
from trust.audit import AuditLog, entry
from trust.guard import Guard
from trust.passwords import Passwords
from trust.records import SYSTEM, Record, iso

LOGIN = "accounts.login"
UNDONE = "accounts.undone"
CUT = "audit.cut"
_CHANGES = frozenset(
    f"accounts.{name}" for name in ("init", "add", "roles", "disable", "enable", "reset", "passwd", "rehash")
)
_MINUTE = 60 * 1_000_000_000
_DAY = 1440 * _MINUTE


@contextmanager
def opened(data: Path, settings: Settings) -> Iterator[Accounts]:
    """The accounts of a data folder, with its audit log open for writing.

    Raises DataFolderBusy where another process (the service) has the log.
    """
    with AuditLog(data / chain.FOLDER, file_bytes=settings.audit.file_mib << 20) as log:
        yield Accounts(AccountFile(data), log, settings.accounts)


class Accounts:
    """The accounts in `file`, recorded in `log`. May be used from several threads."""

    def __init__(
        self,
        file: AccountFile,
        log: AuditLog,
        settings: AccountSettings,
        *,
        hashing: Passwords | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.log = log
        self.guard = Guard(log, self.is_current)
        self._file = file
        self._settings = settings
        self._hashing = hashing or Passwords()
        self._clock = clock
        self._lock = threading.RLock()
        self._doubtful = False  # whether a record may lack its change
        self._reconcile()

    @property
    def any(self) -> bool:
        """Whether there are accounts: until then whoever has the data folder acts."""
        return bool(self._file.everyone())

    def is_current(self, identity: Identity) -> bool:
        """Whether the account behind an identity still has the rights it had at log-in."""
        if identity.roles == (LOCAL,) or identity == OURSELVES:
            return True
        stored = self._file.get(identity.user)
        return (
            stored is not None
            and not stored.account.disabled
            and stored.account.identity(identity.via) == identity
        )

    def init(self, local: Identity, name: str, password: str, full_name: str = "") -> Stored:
        """Make the first administrator; refused where there is any account already."""
        action, target = "accounts.init", Target("account", name)
        self.guard.require(local, action, target)
        with self._changing() as transaction:
            if transaction.count():
                self.guard.refuse(local, action, target, "has_accounts")
            self._check_password(local, action, target, password)
            account = self._made(name, (ADMINISTRATOR,), "", full_name, password)
            if isinstance(account, str):
                self.guard.refuse(local, action, target, account)
            return self._put(transaction, local, action, None, account)

    def login(self, name: str, password: str, via: str) -> Identity:
        """Who `name` is, if the password is theirs; raises Refused.

        An unknown or disabled account and a wrong password are told in the same words and time.
        """
        with self._lock:
            account, identity = self._authenticated(LOGIN, name, password, via)
            target = Target("account", name)
            expired = self._settings.password_days * _DAY
            if account.must_change or (expired and self._clock() - account.password_set > expired):
                self.guard.refuse(identity, LOGIN, target, "password_expired")
            with self._changing() as transaction:
                transaction.audited = self.log.append(entry(identity, LOGIN, target)).n
            return identity

    def passwd(self, name: str, old: str, new: str, via: str) -> Stored:
        """Let somebody change their own password, also one that has expired."""
        action, target = "accounts.passwd", Target("account", name)
        with self._lock:
            account, identity = self._authenticated(action, name, old, via)
            self.guard.require(identity, action, target)
            self._check_password(identity, action, target, new)
            if any(self._hashing.matches(hashed, new) for hashed in (account.password, *account.earlier)):
                self.guard.refuse(identity, action, target, "password_again")
            hashed = self._hashing.hashed(new)
            now = self._clock()
            with self._changing() as transaction:
                stored = transaction.get(name)
                assert stored is not None
                after = stored.account.with_password(hashed, now, must_change=False)
                return self._put(transaction, identity, action, stored.account, after)

    def add(
        self, by: Identity, name: str, roles: Sequence[str], unit: str = "", full_name: str = ""
    ) -> tuple[Stored, str]:
        """Make an account; returns it and its first password, which its owner must change."""
        action, target = "accounts.add", Target("account", name)
        self.guard.require(by, action, target)
        password = passwords.generate(name)
        with self._changing() as transaction:
            if transaction.get(name) is not None:
                self.guard.refuse(by, action, target, "name_taken")
            account = self._made(name, roles, unit, full_name, password)
            if isinstance(account, str):
                self.guard.refuse(by, action, target, account)
            account = msgspec.structs.replace(account, must_change=True)
            return self._put(transaction, by, action, None, account), password

    def set_roles(self, by: Identity, name: str, roles: Sequence[str], unit: str, version: int) -> Stored:
        """Give an account other roles. `version` is that of the account as it was read."""
        action = "accounts.roles"
        if code := conflict(roles, unit):
            self.guard.require(by, action, Target("account", name))
            self.guard.refuse(by, action, Target("account", name), code)
        given = ordered(roles)
        return self._change(
            by, action, name, version, lambda a: msgspec.structs.replace(a, roles=given, unit=unit)
        )

    def disable(self, by: Identity, name: str, version: int) -> Stored:
        """Shut an account out; it and its record stay."""
        return self._change(
            by, "accounts.disable", name, version, lambda a: msgspec.structs.replace(a, disabled=True)
        )

    def enable(self, by: Identity, name: str, version: int) -> Stored:
        """Let an account in again, also one that is locked."""
        return self._change(
            by, "accounts.enable", name, version, lambda a: msgspec.structs.replace(a, disabled=False)
        )

    def reset(self, by: Identity, name: str, version: int) -> tuple[Stored, str]:
        """Give an account another first password, which its owner must change; unlocks it."""
        password = passwords.generate(name)

        def other(account: Account) -> Account:
            return account.with_password(self._hashing.hashed(password), self._clock(), must_change=True)

        return self._change(by, "accounts.reset", name, version, other), password

    def get(self, by: Identity, name: str) -> Stored:
        """One account, with the version that a change of it must name."""
        self.guard.require(by, "accounts.list", Target("account", name))
        stored = self._file.get(name)
        if stored is None:
            self.guard.refuse(by, "accounts.list", Target("account", name), "no_account", name=name)
        return stored

    def everyone(self, by: Identity) -> list[Stored]:
        """All accounts in order of their names."""
        self.guard.require(by, "accounts.list", Target("account"))
        return self._file.everyone()

    def _change(
        self, by: Identity, action: str, name: str, version: int, make: Callable[[Account], Account]
    ) -> Stored:
        target = Target("account", name)
        self.guard.require(by, action, target)
        with self._changing() as transaction:
            stored = transaction.get(name)
            if stored is None:
                self.guard.refuse(by, action, target, "no_account", name=name)
            if stored.version != version:
                self.log.append(entry(by, action, target, outcome="refused", reason="changed_meanwhile"))
                raise StoreConflict(f"account {name} was changed meanwhile: read it again")
            after = make(stored.account)
            if action in ("accounts.enable", "accounts.reset"):
                transaction.set_attempts(name, Attempts())
            return self._put(transaction, by, action, stored.account, after)

    def _put(
        self, transaction: Transaction, by: Identity, action: str, before: Account | None, after: Account
    ) -> Stored:
        """Write, and record on disk, what is committed next."""
        stored = transaction.put(after)
        detail = {
            "roles": list(after.roles), "unit": after.unit, "disabled": after.disabled,
            "version": stored.version,
        }  # fmt: skip
        record = self.log.append(
            entry(
                by, action, Target("account", after.name), detail=detail,
                before="" if before is None else digest(before), after=digest(after),
            )
        )  # fmt: skip
        transaction.audited = record.n
        return stored

    def _made(
        self, name: str, roles: Sequence[str], unit: str, full_name: str, password: str
    ) -> Account | str:
        """An account that is not stored yet, or why there cannot be one."""
        if not is_name(name) or name == OURSELVES.user:
            return "name"
        if len(full_name) > MAX_FULL_NAME or not full_name.isprintable():
            return "full_name"
        if code := conflict(roles, unit):
            return code
        now = self._clock()
        hashed = self._hashing.hashed(password)
        return Account(name, ordered(roles), hashed, now, now, unit=unit, full_name=full_name)

    def _check_password(self, by: Identity, action: str, target: Target, password: str) -> None:
        least = self._settings.password_length
        if code := passwords.weakness(password, target.id, least):
            self.guard.refuse(by, action, target, code, least=least)

    def _authenticated(self, action: str, name: str, password: str, via: str) -> tuple[Account, Identity]:
        """The account whose name and password these are; anything else is counted, recorded and refused."""
        stored = self._file.get(name) if is_name(name) else None
        if stored is None or stored.account.disabled:
            self._hashing.waste(password)
            # What is typed for a name may be a password.
            known = name if is_name(name) else "(no name)"
            code = "unknown_user" if stored is None else "disabled"
            self._turn_away(Identity(known, (), via=via), action, code)
        account = stored.account
        identity = account.identity(via)
        with self._changing() as transaction:
            attempts = transaction.attempts(name)
        left = attempts.locked_until - self._clock()
        if left > 0:
            minutes = -(-left // _MINUTE)
            self.guard.refuse(identity, action, Target("account", name), "locked", minutes=minutes)
        if not self._hashing.matches(account.password, password):
            self._count_failure(name, attempts)
            self._turn_away(identity, action, "wrong_password")
        if attempts != Attempts() or self._hashing.is_stale(account.password):
            with self._changing() as transaction:
                transaction.set_attempts(name, Attempts())
                if self._hashing.is_stale(account.password):
                    newer = msgspec.structs.replace(account, password=self._hashing.hashed(password))
                    self._put(transaction, SYSTEM, "accounts.rehash", account, newer)
                    account = newer
        return account, identity

    def _turn_away(self, identity: Identity, action: str, code: str) -> NoReturn:
        """Record why, and tell no more than that it failed."""
        target = Target("account", identity.user)
        self.log.append(entry(identity, action, target, outcome="refused", reason=code))
        raise Refused("login", identity.user, action, str(target))

    def _count_failure(self, name: str, attempts: Attempts) -> None:
        now = self._clock()
        since = now - self._settings.window_minutes * _MINUTE
        failed = (*(at for at in attempts.failed if since <= at <= now), now)
        if len(failed) < self._settings.failures:
            attempts = Attempts(failed)
        else:
            attempts = Attempts((), now + self._settings.lock_minutes * _MINUTE)
        with self._changing() as transaction:
            transaction.set_attempts(name, attempts)
            if attempts.locked_until:
                told = {"until": iso(attempts.locked_until), "failures": len(failed)}
                record = self.log.append(entry(SYSTEM, "accounts.lock", Target("account", name), detail=told))
                transaction.audited = record.n

    @contextmanager
    def _changing(self) -> Iterator[Transaction]:
        """One transaction; where it may have been recorded and not committed, the next one says so first."""
        with self._lock:
            if self._doubtful:
                self._reconcile()
            try:
                with self._file.writing() as transaction:
                    yield transaction
            except Refused:
                raise
            except BaseException:
                self._doubtful = True
                raise

    def _reconcile(self) -> None:
        """Say of changes that were recorded and not committed that they are not there."""
        with self._lock, self._file.writing() as transaction:
            audited, found = transaction.audited, self.log.head.n
            if audited is not None and audited > found:
                reason = "the log ends before a record that was kept in it"
                self._say(CUT, Target("audit"), reason, expected=audited, found=found)
            for record in self._unfinished(audited):
                reason = "Citywall ended before the change was stored: it is not there"
                told = {"record": record.n, "action": record.action, "account": record.object}
                self._say(UNDONE, Target("record", str(record.n)), reason, **told)
            transaction.audited = self.log.head.n
        self._doubtful = False

    def _say(self, action: str, target: Target, reason: str, /, **detail: object) -> None:
        self.log.append(entry(SYSTEM, action, target, outcome="failed", reason=reason, detail=detail))

    def _unfinished(self, audited: int | None) -> list[Record]:
        """Records of changes after `audited`; those that were said to be undone already are left out."""
        if audited is None:  # a file just made
            return []
        try:
            later = [
                record
                for record in chain.records_after(chain.files_in(self.log.folder), audited)
                if (record.action in _CHANGES and record.outcome == "done") or record.action == UNDONE
            ]
        except InputError as e:
            raise DataFolderError(f"the audit log cannot be read: {e}") from e
        told = {record.object for record in later if record.action == UNDONE}
        return [r for r in later if r.action != UNDONE and f"record:{r.n}" not in told]
