"""Threshold files: suppress, threshold and rate_filter lines that change what rules of others do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from citywall.errors import InputError, RuleFault
from rules.language.addresses import ADDRESS_VARIABLES, Lists, Ranges, holds
from rules.language.model import Limit, Rule
from rules.match.state import Memory, Where

_LINE = re.compile(r"^(suppress|threshold|event_filter|rate_filter)\s+(.*)$")
_PARTS = re.compile(r",\s*(?![^\[]*\])")
_SECOND = 1_000_000_000


@dataclass
class Rate:
    """rate_filter: another action for a while, once a rule tells too often."""

    limit: Limit
    action: str
    timeout: int
    until: dict[tuple[object, ...], int] = field(default_factory=dict)


@dataclass
class Limits:
    """What a threshold file says, by (gid, sid); 0 is any."""

    suppressed: dict[tuple[int, int], list[tuple[str, Ranges]]] = field(default_factory=dict)
    limits: dict[tuple[int, int], Limit] = field(default_factory=dict)
    rates: dict[tuple[int, int], Rate] = field(default_factory=dict)

    def fresh(self) -> Limits:
        """The same file for another source of traffic, with nothing counted."""
        rates = {key: Rate(rate.limit, rate.action, rate.timeout) for key, rate in self.rates.items()}
        return Limits(self.suppressed, self.limits, rates)

    def overrides(self, rule: Rule) -> bool:
        """Whether the file has a threshold for a rule that brings its own."""
        return bool(self.limits and _found(self.limits, rule))

    def judge(self, rule: Rule, where: Where, memory: Memory) -> tuple[bool, str]:
        """(whether a match is kept silent, the action that counts)."""
        action = rule.action
        if not (self.rates or self.suppressed or self.limits):
            return False, action
        for rate in _found(self.rates, rule):
            action = self._rate(rule, rate, where, memory, action)
        for entries in _found(self.suppressed, rule):
            for track, ranges in entries:
                sides = {
                    "by_src": (where.source,),
                    "by_dst": (where.target,),
                    "by_either": (where.source, where.target),
                    "": (),
                }[track]
                if not track or any(holds(ranges, side) for side in sides):
                    return True, action
        for limit in _found(self.limits, rule):
            if not memory.tells(rule.sid, limit, where):
                return True, action
        return False, action

    def _rate(self, rule: Rule, rate: Rate, where: Where, memory: Memory, action: str) -> str:
        track = {
            "by_src": where.source,
            "by_dst": where.target,
            "by_flow": where.flow,
            "by_both": frozenset((where.source, where.target)),
        }
        key = (rule.sid, track.get(rate.limit.track))
        until = rate.until.get(key)
        if until is not None:
            if where.time <= until:
                return rate.action
            del rate.until[key]
            memory.forget(rule.sid, rate.limit, where)
        if memory.tells(rule.sid, rate.limit, where):
            rate.until[key] = where.time + rate.timeout * _SECOND
            return rate.action
        return action


T = TypeVar("T")


def _found(table: Mapping[tuple[int, int], T], rule: Rule) -> list[T]:
    keys = ((rule.gid, rule.sid), (rule.gid, 0), (0, 0))
    return [table[key] for key in keys if key in table][:1]


def read_limits(path: Path, addresses: Mapping[str, str] = ADDRESS_VARIABLES) -> Limits:
    """Read a threshold file; raises InputError with the line."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    found = Limits()
    lists = Lists(addresses)
    for number, raw in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        line = raw.strip()
        if not line or line[0] == "#":
            continue
        try:
            _read(line, found, lists)
        except (RuleFault, ValueError, KeyError) as e:
            reason = e.reason if isinstance(e, RuleFault) else f"cannot be understood: {line[:80]!r} ({e})"
            raise InputError(str(path), reason, line=number) from e
    return found


def _read(line: str, found: Limits, lists: Lists) -> None:
    match = _LINE.match(line)
    if match is None:
        raise RuleFault(f"not a line of a threshold file: {line[:80]!r}")
    given = dict(part.split(None, 1) for part in _PARTS.split(match[2]) if part.strip())
    key = (int(given.pop("gen_id")), int(given.pop("sig_id")))
    track = given.get("track", "").strip()
    if match[1] == "suppress":
        if track not in {"", "by_src", "by_dst", "by_either"}:
            raise RuleFault(f"suppress cannot track {track!r}")
        ranges = lists.addresses(given["ip"].strip()) if track else ()
        found.suppressed.setdefault(key, []).append((track, ranges))
        return
    if track not in {"by_src", "by_dst", "by_both", "by_rule", "by_flow"}:
        raise RuleFault(f"a threshold cannot track {track!r}")
    count, seconds = int(given["count"]), int(given["seconds"])
    if match[1] == "rate_filter":
        action = given["new_action"].strip()
        if action not in {"alert", "drop", "pass", "log", "reject"}:
            raise RuleFault(f"rate_filter knows no action {action!r}")
        found.rates[key] = Rate(Limit("rate", track, count, seconds), action, int(given["timeout"]))
    else:
        kind = given["type"].strip()
        if kind not in {"limit", "threshold", "both"}:
            raise RuleFault(f"a threshold has no type {kind!r}")
        found.limits[key] = Limit(kind, track, count, seconds)
