"""The one door: whoever changes something asks here first, and a refusal is recorded before it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from citywall.errors import Refused
from citywall.permissions import Identity, Target, refusal
from trust.audit import AuditLog, entry


class Guard:
    """Enforces :mod:`citywall.permissions`. `is_current` tells whether an identity still has its rights."""

    def __init__(self, log: AuditLog, is_current: Callable[[Identity], bool]) -> None:
        self._log = log
        self._is_current = is_current

    def require(self, identity: Identity, action: str, target: Target) -> None:
        """Return where `identity` may take `action` on `target`; raises Refused, recorded, where not."""
        if not self._is_current(identity):
            self.refuse(identity, action, target, "no_longer")
        if reason := refusal(identity, action, target):
            self.refuse(identity, action, target, reason)

    def refuse(
        self, identity: Identity, action: str, target: Target, code: str, **values: object
    ) -> NoReturn:
        """Record a refused attempt and raise Refused; `values` fill in the words for the user."""
        self._log.append(entry(identity, action, target, outcome="refused", reason=code))
        raise Refused(code, identity.user, action, str(target), **values)
