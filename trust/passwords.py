"""Passwords: argon2id hashes, what counts as weak, and made-up ones."""

from __future__ import annotations

import secrets
import string
import unicodedata

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

MOST = 256
#: Kinds of characters (small letters, capitals, digits, others) of which a password has at least three.
_KINDS = 3
_DISTINCT = 6
_GENERATED = 20
# Nothing that is read wrongly off a screen.
_ALPHABET = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lI") + "-_+=%"


class Passwords:
    """Hashes after RFC 9106, its second recommended choice: 64 MiB, 3 passes, 4 lanes."""

    def __init__(self, *, memory_kib: int = 65_536, passes: int = 3, lanes: int = 4) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        self._nobodys = ""

    def hashed(self, password: str) -> str:
        """The hash, with its salt and parameters in one text."""
        return self._hasher.hash(_normal(password))

    def matches(self, hashed: str, password: str) -> bool:
        """Whether the hash is that of the password."""
        if len(password) > MOST:
            return False
        try:
            return self._hasher.verify(hashed, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    def is_stale(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than now."""
        return self._hasher.check_needs_rehash(hashed)

    def waste(self, password: str) -> None:
        """Take as long as `matches` does, so that names without an account cannot be told by the clock."""
        self._nobodys = self._nobodys or self.hashed(secrets.token_hex())
        self.matches(self._nobodys, password)


def weakness(password: str, user: str, least: int) -> str | None:
    """Why a password is too weak: a code of the catalogue's section `refused`; None where it is not."""
    if len(password) > MOST:
        return "password_long"
    if not password.isprintable():
        return "password_characters"
    kinds = {_kind(character) for character in password}
    if len(password) < least or len(kinds) < _KINDS or len(set(password)) < _DISTINCT:
        return "password_weak"
    return "password_name" if user.casefold() in password.casefold() else None


def generate(user: str = "") -> str:
    """A password of 20 characters that nobody has to think up."""
    while True:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED))
        if weakness(made, user or "\0", _GENERATED) is None:
            return made


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _kind(character: str) -> str:
    if character.islower():
        return "small"
    if character.isupper():
        return "capital"
    return "digit" if character.isdigit() else "other"
