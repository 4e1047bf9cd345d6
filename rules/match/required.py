"""What a regular expression cannot match without: literals of which one must be there, for the prefilter.

Expressions are read by Python's own parser after the translation that stands in for libpcre2, as code search
engines do it (Cox, "Regular Expression Matching with a Trigram Index", 2012): of a sequence the best part, of
alternatives all parts. What is not understood demands nothing.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, NamedTuple

from rules.expressions import translate

#: More texts than this are no help.
MOST = 64
#: Members of a class that are spelled out.
_SPELLED = 4
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}

_Texts = frozenset[bytes]
_NOTHING: _Texts = frozenset({b""})


class _Part(NamedTuple):
    """`whole`: all that a part can match, where that is few texts; `needed`: texts of which one is in it."""

    whole: _Texts | None
    needed: _Texts | None


_ANYTHING = _Part(None, None)


def required(pattern: bytes, flags: str) -> tuple[bytes, ...]:
    """Texts in lower case of which one is in whatever matches, in any case; none where none is known."""
    if b"[:" in pattern or rb"\v" in pattern:  # other things to PCRE
        return ()
    options = 0
    for flag in flags:
        options |= _FLAGS.get(flag, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of syntax that may mean something else one day
            parsed = importlib.import_module("re._parser").parse(translate(pattern), options)
        found = _sequence(parsed).needed
    except (re.error, RecursionError, OverflowError, ImportError):
        return ()
    return tuple(sorted(found)) if found else ()


def _sequence(nodes: Iterable[tuple[Any, Any]]) -> _Part:
    whole, run, best = True, _NOTHING, None
    for kind, argument in nodes:
        part = _part(str(kind), argument)
        if part.whole is not None and len(run) * len(part.whole) <= MOST:
            run = frozenset(a + b for a, b in product(run, part.whole))
            continue
        whole = False
        best = _better(_better(best, run), part.needed)
        run = part.whole if part.whole is not None else _NOTHING
    return _Part(run if whole else None, _better(best, run))


def _part(kind: str, argument: Any) -> _Part:
    read = _KINDS.get(kind)
    return _ANYTHING if read is None else read(argument)


def _literal(code: int) -> _Part:
    return _all_of({bytes([code]).lower()})


def _class(members: list[tuple[Any, Any]]) -> _Part:
    if any(str(kind) != "LITERAL" for kind, _ in members):
        return _ANYTHING
    texts = {bytes([code]).lower() for _, code in members}
    return _all_of(texts) if len(texts) <= _SPELLED else _ANYTHING


def _branch(argument: tuple[Any, list[Any]]) -> _Part:
    parts = [_sequence(nodes) for nodes in argument[1]]
    whole: _Texts | None = frozenset[bytes]().union(*(part.whole or () for part in parts))
    needed: _Texts | None = frozenset[bytes]().union(*(part.needed or () for part in parts))
    if any(part.whole is None for part in parts) or len(whole or ()) > MOST:
        whole = None
    if any(part.needed is None for part in parts) or len(needed or ()) > MOST:
        needed = None
    return _Part(whole, needed)


def _group(argument: tuple[Any, ...]) -> _Part:
    return _sequence(argument[-1])


def _repeat(argument: tuple[int, int, Any]) -> _Part:
    least, most, nodes = argument
    part = _sequence(nodes)
    if int(most) == 1 and part.whole is not None:
        return _all_of(part.whole | _NOTHING if int(least) == 0 else part.whole)
    return _Part(None, part.needed if int(least) > 0 else None)


def _place(_: Any) -> _Part:
    return _Part(_NOTHING, None)


def _all_of(texts: Iterable[bytes]) -> _Part:
    whole = frozenset(texts)
    return _Part(whole, _better(None, whole))


def _better(one: _Texts | None, other: _Texts | None) -> _Texts | None:
    """Of two sets the one whose shortest text is longer."""
    if not other or b"" in other:
        return one
    if one is None or (min(map(len, other)), -len(other)) > (min(map(len, one)), -len(one)):
        return other
    return one


_KINDS: dict[str, Callable[[Any], _Part]] = {
    "LITERAL": _literal, "IN": _class, "BRANCH": _branch, "SUBPATTERN": _group, "ATOMIC_GROUP": _sequence,
    "MAX_REPEAT": _repeat, "MIN_REPEAT": _repeat, "POSSESSIVE_REPEAT": _repeat,
    "AT": _place, "ASSERT": _place, "ASSERT_NOT": _place,
}  # fmt: skip
