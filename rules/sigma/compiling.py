"""From pySigma's condition trees to conditions over columns. What is not sure is refused, not guessed."""

from __future__ import annotations

import ipaddress
from typing import Any as Anything

from sigma import conditions as tree
from sigma import types

from citywall.addresses import V4_MAPPED
from citywall.errors import RuleFault
from rules import expressions
from rules.sigma import conditions, kernels
from rules.sigma.conditions import Condition
from rules.sigma.fields import ADDRESS, NUMBER, TEXT, Column, Source

_OPS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NEQ": "!="}
_FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}
_ALL = (1 << 64) - 1
_MANY = bytes([kernels.MANY])


def fields_of(node: Anything) -> set[str]:
    """The fields that a condition asks for."""
    if isinstance(node, tree.ConditionFieldEqualsValueExpression):
        return {str(node.field)}
    return {name for part in getattr(node, "args", ()) for name in fields_of(part)}


def compile_condition(node: Anything, source: Source) -> Condition:
    """The condition of a tree; raises ValueError with the reason why it cannot be decided here."""
    if isinstance(node, tree.ConditionAND):
        return conditions.All(tuple(compile_condition(part, source) for part in node.args))
    if isinstance(node, tree.ConditionOR):
        return conditions.Any(tuple(compile_condition(part, source) for part in node.args))
    if isinstance(node, tree.ConditionNOT):
        return conditions.Not(compile_condition(node.args[0], source))
    if isinstance(node, tree.ConditionFieldEqualsValueExpression):
        return _field(str(node.field), node.value, source)
    if isinstance(node, tree.ConditionValueExpression):
        raise ValueError("keywords without a field are looked for in whole log lines, which are not kept")
    raise ValueError(f"{type(node).__name__} is not understood")


def _field(name: str, value: Anything, source: Source) -> Condition:
    column = source.fields.get(name.lower())
    if column is None:
        raise ValueError(f"{source.name} have no field {name!r} here")
    if isinstance(value, types.SigmaExists | types.SigmaNull):
        return _there(name, column, isinstance(value, types.SigmaExists) and bool(value))
    if isinstance(value, types.SigmaCasedString):
        raise ValueError(f"{name}: texts are kept in lower case, so `cased` cannot be decided")
    if isinstance(value, types.SigmaFieldReference):
        raise ValueError(f"{name}: fields are not compared with each other (`fieldref`)")
    if column.kind == ADDRESS:
        return _address(name, column, value)
    if column.kind == NUMBER:
        return _number(name, column, value)
    return _text(name, column, value)


def _there(name: str, column: Column, exists: bool) -> Condition:
    if column.kind != TEXT:
        raise ValueError(f"{name} is always there: `exists` and null say nothing")
    empty = conditions.Empty(column.names)
    return conditions.Not(empty) if exists else empty


def _address(name: str, column: Column, value: Anything) -> Condition:
    if isinstance(value, types.SigmaCIDRExpression):
        return _within(column, str(value.cidr))
    if not isinstance(value, types.SigmaString):
        raise ValueError(f"{name}: {type(value).__name__} does not go with an address")
    text = _plain(value)
    if text is not None:
        return _within(column, text)
    body, last = [*value.s[:-1]], value.s[-1]
    parts = str(body[0]).rstrip(".").split(".") if len(body) == 1 and isinstance(body[0], str) else []
    if last is types.SpecialChars.WILDCARD_MULTI and str(body[0]).endswith(".") and 1 <= len(parts) <= 3:
        bits = 8 * len(parts)
        return _within(column, f"{'.'.join([*parts, *['0'] * (4 - len(parts))])}/{bits}")
    raise ValueError(f"{name}: an address with wildcards is understood as in 10.1.*")


def _within(column: Column, text: str) -> Condition:
    network = ipaddress.ip_network(text, strict=False)
    value, bits = int(network.network_address), network.prefixlen
    if network.version == 4:
        value, bits = V4_MAPPED | value, bits + 96
    mask = ((1 << 128) - 1) ^ ((1 << (128 - bits)) - 1)
    value &= mask
    return conditions.Within(column.names[0], value >> 64, value & _ALL, mask >> 64, mask & _ALL)


def _number(name: str, column: Column, value: Anything) -> Condition:
    if isinstance(value, types.SigmaCompareExpression):
        number = value.number.number
        if not isinstance(number, int):
            raise ValueError(f"{name}: only whole numbers are compared")
        return conditions.Compared(column.names[0], _OPS[value.op.name], number)
    if isinstance(value, types.SigmaNumber) and isinstance(value.number, int):
        return conditions.Compared(column.names[0], "=", value.number)
    if isinstance(value, types.SigmaString) and (text := _plain(value)) is not None:
        known = column.words.get(text.lower(), int(text) if text.isdecimal() else None)
        if known is None:
            raise ValueError(f"{name}: {text!r} is no value that is known here")
        return conditions.Compared(column.names[0], "=", known)
    raise ValueError(f"{name} is a number here: {type(value).__name__} does not go with it")


def _text(name: str, column: Column, value: Anything) -> Condition:
    if isinstance(value, types.SigmaRegularExpression):
        if column.part:
            raise ValueError(
                f"{name}: requests are kept whole, an expression cannot be held to a part of them"
            )
        flags = "".join(_FLAGS.get(flag.name, "") for flag in value.flags) + "i"
        expression = str(value.regexp.original).encode()
        try:
            return conditions.Found(column.names, expressions.compiled(expression, flags))
        except RuleFault as e:
            raise ValueError(f"{name}: {e.reason}") from e
    if isinstance(value, types.SigmaNumber):
        value = types.SigmaString(str(value.number))
    if not isinstance(value, types.SigmaString):
        raise ValueError(f"{name}: {type(value).__name__} does not go with a text")
    pattern, what = bytearray(), bytearray()
    for part in value.s:
        if isinstance(part, str):
            pattern += part.lower().encode()
            what += bytes([kernels.BYTE]) * len(part.lower().encode())
        elif isinstance(part, types.SpecialChars):
            pattern.append(0)
            what.append(kernels.MANY if part is types.SpecialChars.WILDCARD_MULTI else kernels.ONE)
        else:
            raise ValueError(f"{name}: placeholders (`expand`) are not filled in")
    _without_scheme(column, pattern, what)
    if (column.part == "query" and what[:1] != _MANY) or (column.part == "path" and what[-1:] != _MANY):
        asked = "contains and endswith" if column.part == "query" else "contains and startswith"
        raise ValueError(f"{name}: requests are kept whole, only {asked} can be decided of a part of them")
    return conditions.Like(column.names, bytes(pattern), bytes(what))


def _without_scheme(column: Column, pattern: bytearray, what: bytearray) -> None:
    """Requests show no scheme: a pattern that begins with one goes without."""
    if column.names == ("name", "rest"):
        for scheme in (b"http://", b"https://"):
            if pattern.startswith(scheme) and not any(what[: len(scheme)]):
                del pattern[: len(scheme)], what[: len(scheme)]


def _plain(value: types.SigmaString) -> str | None:
    """A text without wildcards."""
    return "".join(map(str, value.s)) if all(isinstance(part, str) for part in value.s) else None
