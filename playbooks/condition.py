"""Conditions: comparison expressions of STIX patterning over variables (CACAO v2.0, 4.8; STIX 2.1, 9).

`__severity__:value >= '4' AND NOT __source_ip__:value ISSUBSET '10.0.0.0/8'`. Both sides of an order are
numbers, or both are compared as texts. `MATCHES` is left out: a regular expression from a file can take
for ever.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<variable>__[A-Za-z0-9_-]{1,240}__:value)"
    r"|(?P<text>'(?:[^'\\]|\\['\\])*')"
    r"|(?P<number>-?[0-9]{1,15}(?:\.[0-9]{1,15})?)"
    r"|(?P<operator>==|!=|<>|<=|>=|=|<|>)"
    r"|(?P<mark>[(),])"
    r"|(?P<word>[A-Za-z]+))"
)
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "ISSUBSET", "ISSUPERSET", "TRUE", "FALSE"})
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_DEPTH = 32

Values = Mapping[str, str | None]


class Unfit(ValueError):
    """A condition that cannot be read or answered: a key of the catalogue, and what fills it in."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass(frozen=True)
class _Variable:
    name: str


_Operand = _Variable | str
_Test = Callable[[Values], bool]


@dataclass(frozen=True)
class Condition:
    """A condition that was read: the variables it asks, and its answer."""

    variables: frozenset[str]
    _test: _Test

    def holds(self, values: Values) -> bool:
        """Whether it is true of `values` (by variable); raises Unfit where it has no answer."""
        return self._test(values)


def parse(text: str) -> Condition:
    """Read a condition; raises Unfit."""
    reader = _Reader(_tokens(text))
    test = reader.either(0)
    if (rest := reader.peek()) is not None:
        raise Unfit("condition_rest", column=str(rest.column), text=rest.text)
    return Condition(frozenset(reader.variables), test)


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        form = _TOKEN.match(text, at)
        if form is None or form.lastgroup is None:
            raise Unfit("condition_token", column=str(at + 1), text=text[at : at + 20])
        kind, said = form.lastgroup, form[form.lastgroup]
        if kind == "word":
            said = said.upper()
            if said not in _WORDS:
                raise Unfit("condition_token", column=str(form.start("word") + 1), text=form["word"])
        found.append(_Token(kind, said, form.start(form.lastgroup) + 1))
        at = form.end()
    return found


class _Reader:
    """Recursive descent: OR, AND, NOT, comparison."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.variables: set[str] = set()

    def peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> _Token:
        if (token := self.peek()) is None:
            raise Unfit("condition_end")
        self._at += 1
        return token

    def _takes(self, text: str) -> bool:
        token = self.peek()
        taken = token is not None and token.text == text and token.kind in {"word", "mark"}
        self._at += taken
        return taken

    def either(self, depth: int) -> _Test:
        tests = [self._both(depth)]
        while self._takes("OR"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def _both(self, depth: int) -> _Test:
        tests = [self._one(depth)]
        while self._takes("AND"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def _one(self, depth: int) -> _Test:
        if depth > _DEPTH:
            raise Unfit("condition_deep")
        if self._takes("NOT"):
            test = self._one(depth + 1)
            return lambda values: not test(values)
        if self._takes("("):
            test = self.either(depth + 1)
            if not self._takes(")"):
                raise Unfit("condition_bracket")
            return test
        return self._comparison()

    def _comparison(self) -> _Test:
        left = self._operand()
        negated = self._takes("NOT")
        token = self._next()
        if token.kind == "operator" and not negated:
            return _compared(token.text, left, self._operand())
        match token.text:
            case "IN":
                test = _in(left, self._set())
            case "LIKE":
                test = _like(left, self._operand())
            case "ISSUBSET":
                test = _subset(left, self._operand())
            case "ISSUPERSET":
                test = _subset(self._operand(), left)
            case _:
                raise Unfit("condition_operator", column=str(token.column), text=token.text)
        return (lambda values: not test(values)) if negated else test

    def _set(self) -> list[_Operand]:
        if not self._takes("("):
            raise Unfit("condition_bracket")
        found = [self._operand()]
        while self._takes(","):
            found.append(self._operand())
        if not self._takes(")"):
            raise Unfit("condition_bracket")
        return found

    def _operand(self) -> _Operand:
        token = self._next()
        match token.kind:
            case "variable":
                name = token.text.removesuffix(":value")
                self.variables.add(name)
                return _Variable(name)
            case "text":
                return re.sub(r"\\(['\\])", r"\1", token.text[1:-1])
            case "number":
                return token.text
            case "word" if token.text in {"TRUE", "FALSE"}:
                return token.text.lower()
        raise Unfit("condition_operand", column=str(token.column), text=token.text)


def _value(operand: _Operand, values: Values) -> str:
    if isinstance(operand, str):
        return operand
    value = values.get(operand.name)
    if value is None:
        raise Unfit("no_value", name=operand.name)
    return value


def _compared(sign: str, left: _Operand, right: _Operand) -> _Test:
    def test(values: Values) -> bool:
        one, two = _value(left, values), _value(right, values)
        numbers = _number(one), _number(two)
        pair: tuple[object, object] = (one, two) if None in numbers else numbers
        if sign in {"==", "="}:
            return pair[0] == pair[1]
        if sign in {"!=", "<>"}:
            return pair[0] != pair[1]
        return _ORDERS[sign](*pair)

    return test


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124  (not NaN)


def _in(left: _Operand, choices: list[_Operand]) -> _Test:
    return lambda values: _value(left, values) in [_value(choice, values) for choice in choices]


def _like(left: _Operand, right: _Operand) -> _Test:
    """`%` is any text, `_` any character."""

    def test(values: Values) -> bool:
        pattern = re.sub(r"([\[\]*?])", r"[\1]", _value(right, values)).replace("%", "*").replace("_", "?")
        return fnmatch.fnmatchcase(_value(left, values), pattern)

    return test


def _subset(small: _Operand, large: _Operand) -> _Test:
    def test(values: Values) -> bool:
        one, two = _network(_value(small, values)), _network(_value(large, values))
        if isinstance(one, ipaddress.IPv4Network) and isinstance(two, ipaddress.IPv4Network):
            return one.subnet_of(two)
        if isinstance(one, ipaddress.IPv6Network) and isinstance(two, ipaddress.IPv6Network):
            return one.subnet_of(two)
        return False

    return test


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as e:
        raise Unfit("not_address", text=text) from e
