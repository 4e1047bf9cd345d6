"""Data sets: values in files beside the rules, plain, as JSON or with reputations, and those rules fill."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rules.keywords.base import Keyword
from rules.language.builder import Builder
from rules.language.model import BufferCheck, Listed

_OPERATIONS = frozenset({"isset", "isnotset", "set", "unset"})
_DIGESTS = {"md5": 16, "sha256": 32, "sha1": 20}
_TYPES = frozenset({"string", "md5", "sha256", "ipv4", "ip", "ipv6"})
_ADDRESSES = frozenset({"ip", "ipv6"})  # both of sixteen bytes, those of version 4 mapped
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    ">": int.__gt__, "<": int.__lt__, ">=": int.__ge__, "<=": int.__le__, "==": int.__eq__, "=": int.__eq__,
}  # fmt: skip
#: A reputation is at most this.
_MOST_REPUTATION = 65_535


def dataset(builder: Builder, value: str) -> None:
    """`dataset:isset|isnotset|set|unset,name,type T[,match subdomain][,load file][,format json,...]...`."""
    if builder.kind is None:
        raise builder.fault("dataset needs a sticky buffer before it")
    parts = [part.strip() for part in value.split(",")]
    if parts[0] not in _OPERATIONS or len(parts) < 2 or not parts[1]:
        raise builder.fault("dataset takes an operation and a name")
    given = dict(part.split(None, 1) for part in parts[2:] if " " in part)
    kind = given.get("type", "string")
    if kind not in _TYPES:
        raise builder.fault(f"dataset has no type {kind!r}")
    if given.get("match", "subdomain") != "subdomain":
        raise builder.fault(f"dataset has no match {given['match']!r}")
    above = "match" in given
    if above and (kind != "string" or parts[0] not in {"isset", "isnotset"}):
        raise builder.fault("match subdomain goes with isset, isnotset and strings")
    if "save" in given or "state" in given:
        _beside(builder, given.get("save") or given["state"])
    values: frozenset[bytes] = frozenset()
    load = given.get("load")
    if load is None and "state" in given and _beside(builder, given["state"]).exists():
        load = given["state"]  # rules fill it: before they have, there is none
    if load:
        how = given.get("format", "csv")
        if how in {"json", "ndjson"}:
            values = frozenset(_typed(builder, each, kind) for each in _json(builder, load, given, how))
        elif how == "csv":
            values = frozenset(_written(builder, each, kind) for each in _lines(builder, load))
        else:
            raise builder.fault(f"dataset has no format {how!r}")
    builder.add(Listed(parts[1], values, op=parts[0], wide=kind in _ADDRESSES, above=above))


def datarep(builder: Builder, value: str) -> None:
    """`datarep:name,>,200,load file,type T`: values whose reputation is as demanded."""
    if builder.kind is None:
        raise builder.fault("datarep needs a sticky buffer before it")
    parts = [part.strip() for part in value.split(",")]
    if len(parts) < 4 or parts[1] not in _COMPARISONS:
        raise builder.fault("datarep takes a name, a comparison, a reputation, and where to load it")
    given = dict(part.split(None, 1) for part in parts[3:] if " " in part)
    kind = given.get("type", "string")
    if kind not in _TYPES or "load" not in given:
        raise builder.fault("datarep names a type and a file")
    wanted = builder.number(parts[2], "datarep", 0, _MOST_REPUTATION)
    values = set()
    for line in _lines(builder, given["load"]):
        text, _, reputation = line.partition(b",")
        if not reputation.strip().isdigit():
            raise builder.fault(f"{given['load']!r} has a line without a reputation")
        if _COMPARISONS[parts[1]](int(reputation), wanted):
            values.add(_written(builder, text.strip(), kind))
    builder.add(Listed(parts[0], frozenset(values), wide=kind in _ADDRESSES))


def digests(digest: str) -> Keyword:
    """`filemd5:[!]list`: a file whose digest stands in a list beside the rules."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({"http", "smtp", "ftp-data", "nfs", "smb", "http2"}), f"file{digest}")
        text = value.strip()
        name = text.lstrip("! ")
        values = frozenset(line.split()[0].lower() for line in _lines(builder, name))
        op = Listed(f"file{digest}", values, digest, op="isnotset" if text.startswith("!") else "isset")
        builder.rule.buffers.append(BufferCheck("file.whole", (), 0, [op]))

    return Keyword(setup)


def _beside(builder: Builder, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise builder.fault(f"the list {name!r} must stand beside the rules")
    return Path(builder.rule.file).parent / name


def _read(builder: Builder, name: str) -> bytes:
    try:
        return _beside(builder, name).read_bytes()
    except OSError as e:
        raise builder.fault(f"the list {name!r} cannot be read: {e.strerror}") from None


def _lines(builder: Builder, name: str) -> Iterable[bytes]:
    """Lines with something in them, without comments."""
    for line in _read(builder, name).splitlines():
        text = line.split(b"#", 1)[0].strip()
        if text:
            yield text


def _json(builder: Builder, name: str, given: dict[str, str], how: str) -> Iterable[str]:
    """The values of a file of JSON, or of one object a line."""
    key = given.get("value_key", "")
    if not key or not given.get("context_key"):
        raise builder.fault("a data set of JSON names value_key and context_key")
    try:
        if how == "ndjson":
            rows: Any = [json.loads(line) for line in _read(builder, name).splitlines() if line.strip()]
        else:
            rows = json.loads(_read(builder, name))
            for step in filter(None, given.get("array_key", "").split(".")):
                rows = rows[step]
    except (ValueError, LookupError, TypeError, RecursionError) as e:
        raise builder.fault(f"the data set {name!r} cannot be read: {e}") from None
    if not isinstance(rows, list):
        raise builder.fault(f"the data set {name!r} has no array at {given.get('array_key', '')!r}")
    for row in rows:
        found = row
        for step in key.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str):  # others have nothing to look for
            yield found


def _written(builder: Builder, text: bytes, kind: str) -> bytes:
    """A value as a plain file has it: strings in base64."""
    if kind == "string":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise builder.fault("the strings of a data set are written in base64") from None
    return _typed(builder, text.split()[0].decode("latin-1"), kind)


def _typed(builder: Builder, text: str, kind: str) -> bytes:
    """A value as buffers have it: digests and addresses as bytes, these of 16 where both kinds may be."""
    if kind in _ADDRESSES or kind == "ipv4":
        try:
            address = ipaddress.ip_address(text)
        except ValueError as e:
            raise builder.fault(f"a data set of addresses: {e}") from None
        return wide(address.packed) if kind in _ADDRESSES else address.packed
    if kind in _DIGESTS:
        try:
            digest = bytes.fromhex(text)
        except ValueError:
            digest = b""
        if len(digest) != _DIGESTS[kind]:
            raise builder.fault(f"a data set of {kind}: {text!r} is none")
        return digest
    return text.encode()


def wide(address: bytes) -> bytes:
    """An address of four bytes as one of sixteen (RFC 4291 §2.5.5.2)."""
    return bytes(10) + b"\xff\xff" + address if len(address) == 4 else address


KEYWORDS = {
    "dataset": Keyword(dataset), "datarep": Keyword(datarep),
    "filemd5": digests("md5"), "filesha1": digests("sha1"), "filesha256": digests("sha256"),
}  # fmt: skip
