"""Variables (CACAO v2.0, 10.18): what their types allow, and where texts name them."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playbooks.condition import Unfit

_NAMED = re.compile(r"(__[A-Za-z0-9_-]{1,240}?__):value")
_FORMS = {
    "bool": re.compile(r"true|false"),
    "float": re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?"),
    "hexstring": re.compile(r"([0-9a-fA-F]{2})*"),
    "integer": re.compile(r"-?[0-9]{1,10}"),
    "long": re.compile(r"-?[0-9]{1,19}"),
    "mac-addr": re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}"),
    "hash": re.compile(r"[0-9a-fA-F]{32,128}"),
    "md5-hash": re.compile(r"[0-9a-fA-F]{32}"),
    "sha256-hash": re.compile(r"[0-9a-fA-F]{64}"),
}
LONGEST = 65536
_BITS = {"integer": 31, "long": 63}


def fits(kind: str, value: str) -> bool:
    """Whether `value` is one of the type `kind`."""
    if len(value) > LONGEST or "\x00" in value:
        return False
    if kind in _FORMS:
        if not _FORMS[kind].fullmatch(value):
            return False
        return kind not in _BITS or -(1 << _BITS[kind]) <= int(value) < 1 << _BITS[kind]
    try:
        match kind:
            case "ipv4-addr":
                ipaddress.IPv4Network(value)
            case "ipv6-addr":
                ipaddress.IPv6Network(value)
            case "uuid":
                return str(uuid.UUID(value)) == value.lower()
            case "dictionary":
                return isinstance(json.loads(value), dict)
            case "uri":
                return bool(urlsplit(value).scheme)
    except (ValueError, RecursionError):
        return False
    return True


def named(value: Any) -> set[str]:
    """The variables that the texts in a document name."""
    if isinstance(value, str):
        return set(_NAMED.findall(value))
    if isinstance(value, dict):
        return set().union(*(named(key) | named(inner) for key, inner in value.items()))
    if isinstance(value, list | tuple):
        return set().union(*map(named, value))
    return set()


def filled(value: Any, values: Mapping[str, str | None]) -> Any:
    """A document with the values of variables in the places of their names; raises Unfit for one without.

    Values are put in once and not looked through again: a value that names a variable stays as it is.
    """
    if isinstance(value, str):
        return _NAMED.sub(lambda form: _of(form[1], values), value)
    if isinstance(value, dict):
        return {key: filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, values) for inner in value]
    return value


def _of(name: str, values: Mapping[str, str | None]) -> str:
    found = values.get(name)
    if found is None:
        raise Unfit("no_value", name=name)
    return found
