"""An account: a name, its roles, and the hash of its password."""

from __future__ import annotations

import re

import msgspec

from citywall.permissions import Identity, ordered

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
MAX_FULL_NAME = 100
#: Hashes of earlier passwords that are kept, so that they are not chosen again.
EARLIER = 3


class Account(msgspec.Struct, frozen=True):
    """An account as it is stored. Times in ns of wall clock; `unit` binds a liaison."""

    name: str
    roles: tuple[str, ...]
    password: str  # argon2id, with salt and parameters
    password_set: int
    created: int
    unit: str = ""
    full_name: str = ""
    disabled: bool = False
    must_change: bool = False  # the password was given by another
    earlier: tuple[str, ...] = ()

    def identity(self, via: str) -> Identity:
        """Who acts when this account does."""
        return Identity(self.name, ordered(self.roles), self.unit, via)

    def with_password(self, hashed: str, now: int, *, must_change: bool) -> Account:
        """The account with another password."""
        return msgspec.structs.replace(
            self, password=hashed, password_set=now, must_change=must_change,
            earlier=(self.password, *self.earlier)[:EARLIER],
        )  # fmt: skip


class Stored(msgspec.Struct, frozen=True):
    """An account as it was read, and the version that a change of it must name."""

    account: Account
    version: int


class Attempts(msgspec.Struct, frozen=True):
    """Failed log-ins of an account in a row, and until when it is locked (ns)."""

    failed: tuple[int, ...] = ()
    locked_until: int = 0


def is_name(text: str) -> bool:
    """Whether a text may be an account's name: small letters, digits, `. _ -`, 2 to 32 of them."""
    return _NAME.fullmatch(text) is not None
