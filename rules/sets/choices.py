"""Which rules are switched on and off, in the order in which that was said: the last word counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from rules.language.model import Rule

_PLAIN = re.compile(r"(?:(\d+):)?(\d+)")
_COMMENTED = re.compile(r"^\s*#+\s*((?:alert|drop|reject\w*|pass)\s.+sid\s*:.*)$")
_SID = re.compile(r"[;(]\s*sid\s*:\s*(\d+)")
_GID = re.compile(r"[;(]\s*gid\s*:\s*(\d+)")


class Choice(msgspec.Struct, frozen=True):
    """One word: `what` is `SID`, `GID:SID`, `class:NAME`, `file:NAME`, `re:TEXT` or `sigma:ID`."""

    on: bool
    what: str


def check(what: str) -> str:
    """What a choice is about; raises ValueError where it is nothing that is understood."""
    kind, _, rest = what.partition(":")
    if _PLAIN.fullmatch(what) or (kind in {"class", "file", "sigma"} and rest):
        return what
    if kind == "re" and rest:
        try:
            re.compile(rest)
        except re.error as e:
            raise ValueError(f"{rest!r} is no expression: {e}") from None
        return what
    raise ValueError(f"{what!r} names no rules: SID, GID:SID, class:NAME, file:NAME, re:TEXT or sigma:ID")


def speaks(what: str, rule: Rule) -> bool:
    """Whether a choice is about a rule."""
    if found := _PLAIN.fullmatch(what):
        return rule.sid == int(found[2]) and (found[1] is None or rule.gid == int(found[1]))
    kind, _, rest = what.partition(":")
    if kind == "class":
        return rule.classtype == rest
    if kind == "file":
        return rule.file.rpartition("/")[2] == rest
    return kind == "re" and re.search(rest, rule.text) is not None


def is_on(rule: Rule, choices: Sequence[Choice], *, written: bool = True) -> bool:
    """Whether a rule is in use; `written`: whether its file has it, not as a remark."""
    on = written
    for choice in choices:
        if speaks(choice.what, rule):
            on = choice.on
    return on


def sigma_on(name: str, choices: Sequence[Choice]) -> bool:
    """Whether a Sigma rule is in use."""
    on = True
    for choice in choices:
        if choice.what == f"sigma:{name}":
            on = choice.on
    return on


def wanted_remarks(text: str, choices: Iterable[Choice]) -> list[tuple[int, str]]:
    """Rules that a file has as remarks and that some choice may switch on: (line, rule)."""
    wanted = [choice.what for choice in choices if choice.on]
    if not wanted:
        return []
    plain = {m[2]: m[1] for what in wanted if (m := _PLAIN.fullmatch(what))}
    others = len(plain) < len(set(wanted))
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if (remark := _COMMENTED.match(line)) and (sid := _SID.search(remark[1])):
            gid = _GID.search(remark[1])
            asked = sid[1] in plain and plain[sid[1]] in {None, gid[1] if gid else "1"}
            if asked or others:
                found.append((number, remark[1]))
    return found
