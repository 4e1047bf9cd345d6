from __future__ import annotations

import pytest

from citywall.i18n import LANGUAGES, tr
from trust.passwords import MOST, Passwords, generate, weakness

CHEAP = Passwords(memory_kib=64, passes=1, lanes=1)


def test_argon2id_with_the_cost_that_is_recommended() -> None:
    hashed = Passwords().hashed("Correct-Horse-9")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().matches(hashed, "Correct-Horse-9")
    assert CHEAP.is_stale(hashed)
    assert not Passwords().is_stale(hashed)


def test_matches() -> None:
    hashed = CHEAP.hashed("Correct-Horse-9")
    assert CHEAP.hashed("Correct-Horse-9") != hashed  # salted
    assert CHEAP.matches(hashed, "Correct-Horse-9")
    assert not CHEAP.matches(hashed, "Correct-Horse-8")
    assert not CHEAP.matches("no hash", "Correct-Horse-9")
    assert not CHEAP.matches(hashed, "x" * (MOST + 1))
    CHEAP.waste("whatever")


def test_the_same_letters_composed_otherwise_are_the_same_password() -> None:
    assert CHEAP.matches(CHEAP.hashed("Caf\u00e9-2026-\u57ce\u5899"), "Cafe\u0301-2026-\u57ce\u5899")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Correct-Horse-9", None),
        ("一城墙-守望-Extranet", None),
        ("Short-9", "password_weak"),
        ("onlysmallletters", "password_weak"),
        ("Aa1Aa1Aa1Aa1Aa1", "password_weak"),
        ("Wang.Li-2026-x", "password_name"),
        ("WANG.LI-2026-x", "password_name"),
        ("Correct\tHorse-9", "password_characters"),
        ("Aa1-" * 65, "password_long"),
    ],
)
def test_weakness(password: str, code: str | None) -> None:
    assert weakness(password, "wang.li", 12) == code
    if code:
        assert all(tr(f"refused.{code}", language, least=12) for language in LANGUAGES)


def test_generated_ones_are_strong_and_differ() -> None:
    made = {generate("li") for _ in range(50)}
    assert len(made) == 50
    assert all(weakness(password, "li", 20) is None for password in made)
