from __future__ import annotations

import pytest

from playbooks.condition import Unfit
from playbooks.variables import filled, fits, named


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("bool", "true", "yes"), ("integer", "-5", "2147483648"), ("long", "2147483648", "1.5"),
        ("float", "1.5", "nan"), ("ipv4-addr", "10.0.0.0/8", "10.0.0.1/8"), ("ipv6-addr", "::1", "10.0.0.1"),
        ("mac-addr", "00:11:22:33:44:55", "00-11-22-33-44-55"), ("md5-hash", "0" * 32, "0" * 31),
        ("sha256-hash", "a" * 64, "g" * 64), ("hexstring", "abcd", "abc"), ("uri", "https://x", "x"),
        ("uuid", "4f0c38c5-7f3f-5d57-9d07-6a2e1c5f1a01", "4f0c"), ("dictionary", "{}", "[]"),
        ("string", "anything", "a\0b"),
    ],
)  # fmt: skip
def test_types(kind: str, good: str, bad: str) -> None:
    assert fits(kind, good)
    assert not fits(kind, bad)


def test_names_and_values() -> None:
    document = {"a": ["x __b__:value y", 1], "c": {"__d__:value": True}}
    assert named(document) == {"__b__", "__d__"}
    assert filled(document, {"__b__": "B", "__d__": "D"})["a"] == ["x B y", 1]


def test_values_are_not_looked_through_again() -> None:
    assert filled("__a__:value", {"__a__": "__b__:value", "__b__": "no"}) == "__b__:value"


def test_a_value_that_is_missing() -> None:
    with pytest.raises(Unfit):
        filled("__a__:value", {"__a__": None})
