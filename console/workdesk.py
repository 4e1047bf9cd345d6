"""The desk of who has logged in: changes from commands and the console go through here.

Where a service runs, it makes them, in the session of who has logged in there. Else the accounts and the
audit log are opened for as long as a log-in or a change takes, so that several desks may stand side by side;
one that finds them taken waits a moment for its turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from citywall.errors import DataFolderBusy, Refused
from citywall.permissions import Identity, Target, refusal
from console.service.client import Session
from console.service.protocol import connect

if TYPE_CHECKING:
    from alerts.workflow import Status, Versioned
    from citywall.settings import Settings
    from trust.accounts import Accounts

#: Seconds to wait for another desk's turn to end.
PATIENCE_S = 5.0
_PAUSE_S = 0.05


class Desk:
    """Changes in the data folder `data`, in the name of `identity` once somebody has logged in."""

    def __init__(self, data: Path, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        self._data = data
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self.session: Session | None = None  # at the service, where one runs
        self.identity: Identity | None = None

    def log_in(self, name: str, password: str, via: str) -> Identity:
        """Log in; raises Refused."""
        if (connection := connect(self._data)) is not None:
            connection.close()
            self.session = Session(self._data)
            self.identity = self.session.log_in(name, password)
            return self.identity
        self.session = None
        with self._accounts() as accounts:
            self.identity = accounts.login(name, password, via)
        return self.identity

    def log_out(self) -> None:
        """Forget who is here."""
        session, self.session, self.identity = self.session, None, None
        if session is not None:
            session.log_out()

    def change(
        self,
        alert_id: str,
        version: str,
        *,
        status: Status | None = None,
        owner: str | None = None,
        note: str | None = None,
    ) -> Versioned:
        """Change what is made of an alert; see :meth:`alerts.handling.Handling.change`."""
        from alerts.handling import ACTION, Handling
        from alerts.store import open_store

        if self.identity is None:
            raise Refused("not_logged_in", "", ACTION, f"alert:{alert_id}")
        if self.session is not None:
            from console.service.work import change

            return change(self.session, alert_id, version, status=status, owner=owner, note=note)
        with self._accounts() as accounts:
            store = open_store(self._settings.store, self._data, elasticsearch=self._settings.elasticsearch)
            try:
                handling = Handling(store, accounts.guard, accounts.log)
                return handling.change(
                    self.identity, alert_id, version, self._clock(), status=status, owner=owner, note=note
                )
            finally:
                store.close()

    def require(self, action: str, target: Target) -> None:
        """Ask the guard whether who is here may do something; raises Refused.

        That is audited, but for who is at the service: it refuses what they try, and audits that.
        """
        if self.session is not None and self.identity is not None:
            if code := refusal(self.identity, action, target):
                raise Refused(code, self.identity.user, action, str(target))
            return
        with self.acting(action, target) as (accounts, identity):
            accounts.guard.require(identity, action, target)

    @contextmanager
    def acting(self, action: str, target: Target) -> Iterator[tuple[Accounts, Identity]]:
        """The accounts, and who is here and wants to do `action`; raises Refused where nobody is."""
        if self.identity is None:
            raise Refused("not_logged_in", "", action, str(target))
        with self._accounts() as accounts:
            yield accounts, self.identity

    @contextmanager
    def _accounts(self) -> Iterator[Accounts]:
        with self._lock, ExitStack() as stack:
            yield self._opened(stack)

    def _opened(self, stack: ExitStack) -> Accounts:
        from console.caller import accounts_of

        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return stack.enter_context(accounts_of(self._data, self._settings))
            except DataFolderBusy:
                if time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE_S)
