"""Read one rule's options; what cannot be read is told as its reason."""

from __future__ import annotations

from rules.language.model import Rule
from rules.language.parser import Parser


def read(options: str, protocol: str = "tcp", way: str = "->") -> Rule:
    found = Parser().text(f"alert {protocol} any any {way} any any ({options} sid:1;)")
    assert not found.rejected, found.rejected
    return found.rules[0]


def refused(options: str, protocol: str = "tcp") -> str:
    found = Parser().text(f"alert {protocol} any any -> any any ({options} sid:1;)")
    assert len(found.rejected) == 1, options
    return found.rejected[0].reason
