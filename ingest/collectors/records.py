"""One datagram at a time, every field of every record by name: slow and plain.

What the kernels are compared with, and what shows a person what an exporter sends.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.collectors import kernels as k
from ingest.collectors.elements import name_of
from ingest.collectors.templates import V5_FIELDS, VARIABLE, Field, Refused, Template, Withdrawn, read_set


@dataclass
class Record:
    """One record: its header's facts, whether it is an option, and its fields by name."""

    version: int
    domain: int
    set: int
    sequence: int
    seconds: int
    uptime: int
    option: bool
    fields: dict[str, Any]


@dataclass
class Records:
    """Reads the datagrams of one exporter in order. `errors` counts what could not be read, by reason."""

    errors: dict[str, int] = field(default_factory=dict)
    _templates: dict[tuple[int, int, int], Template] = field(default_factory=dict)

    def read(self, raw: bytes) -> list[Record]:
        """The records of a datagram of NetFlow v5, v9 or IPFIX."""
        version = int.from_bytes(raw[:2], "big")
        if len(raw) < 4:
            self._count("datagram_too_short")
        elif version == k.V5:
            return self._five(raw)
        elif version in {k.V9, k.IPFIX}:
            return self._sets(raw, version)
        else:
            self._count("export_version_unknown")
        return []

    def _count(self, reason: str) -> None:
        self.errors[reason] = self.errors.get(reason, 0) + 1

    def _five(self, raw: bytes) -> list[Record]:
        if len(raw) < 24:
            self._count("datagram_too_short")
            return []
        count, uptime, seconds, _, sequence, engine, _ = struct.unpack_from(">HIIIIHH", raw, 2)
        if not count or 24 + count * 48 > len(raw):
            self._count("record_count_wrong")
            return []
        found = split_records(raw[24 : 24 + count * 48], V5_FIELDS)
        return [Record(5, engine, 0, sequence, seconds, uptime, False, fields) for fields in found]

    def _sets(self, raw: bytes, version: int) -> list[Record]:
        size, uptime = (20, 0) if version == k.V9 else (16, 0)
        if len(raw) < size:
            self._count("datagram_too_short")
            return []
        if version == k.V9:
            uptime, seconds, sequence, domain = struct.unpack_from(">IIII", raw, 4)
        else:
            length, seconds, sequence, domain = struct.unpack_from(">HIII", raw, 2)
            if not size <= length <= len(raw):
                self._count("message_length_wrong")
                return []
            raw = raw[:length]
        records: list[Record] = []
        at = size
        while at + 4 <= len(raw):
            number, length = struct.unpack_from(">HH", raw, at)
            if length < 4 or at + length > len(raw):
                self._count("set_length_wrong")
                break
            content = raw[at + 4 : at + length]
            at += length
            if number in ((0, 1) if version == k.V9 else (2, 3)):
                self._learn(content, version, domain, options=number in {1, 3})
            elif number >= 256:
                if (template := self._templates.get((version, domain, number))) is None:
                    self._count("template_missing")
                    continue
                for fields in split_records(content, template.fields):
                    if fields is None:
                        self._count("variable_length_wrong")
                        break
                    option = template.scopes > 0
                    records.append(Record(version, domain, number, sequence, seconds, uptime, option, fields))
        return records

    def _learn(self, content: bytes, version: int, domain: int, *, options: bool) -> None:
        for each in read_set(content, version, options):
            if isinstance(each, Refused):
                self._count(each.reason)
            elif isinstance(each, Withdrawn):
                self._templates = {
                    key: kept
                    for key, kept in self._templates.items()
                    if not gone(each, key, version, domain, kept)
                }
            else:
                self._templates[version, domain, each.id] = each


def gone(what: Withdrawn, key: tuple[int, int, int], version: int, domain: int, template: Template) -> bool:
    """Whether a withdrawal is of the template with this key."""
    if key[:2] != (version, domain):
        return False
    return key[2] == what.id if what.id else (template.scopes > 0) == what.options


def split_records(content: bytes, fields: tuple[Field, ...]) -> Iterator[Any]:
    """The records of a set's content; None where one does not fit (it is the last)."""
    least = sum(1 if each.length == VARIABLE else each.length for each in fields)
    at = 0
    while at + least <= len(content):
        values: dict[str, Any] = {}
        for each in fields:
            length = each.length
            if length == VARIABLE:
                head = content[at : at + 3]
                at += 1
                length = head[0] if head else 0
                if length == 255:
                    at += 2
                    length = int.from_bytes(head[1:], "big")
                if not head or (head[0] == 255 and len(head) < 3):
                    yield None
                    return
            if at + length > len(content):
                yield None
                return
            name, kind = name_of(each.element)
            if length:
                values[name] = _value(content[at : at + length], kind)
            elif each.length == VARIABLE:
                values[name] = ""
            at += length
        yield values


def _value(raw: bytes, kind: str) -> Any:
    if kind == "a" and len(raw) in {4, 16}:
        return str(ipaddress.ip_address(raw))
    if kind == "m" and len(raw) == 6:
        return raw.hex(":")
    if kind == "s":
        return raw.decode("utf-8", "replace").rstrip("\0")
    if kind == "f" and len(raw) in {4, 8}:
        return struct.unpack(">f" if len(raw) == 4 else ">d", raw)[0]
    if kind == "S":
        return int.from_bytes(raw, "big") * 1_000_000_000
    if kind == "M":
        return int.from_bytes(raw, "big") * 1_000_000
    if kind == "N" and len(raw) == 8:
        seconds, fraction = struct.unpack(">II", raw)
        seconds -= 2_208_988_800
        return (seconds if seconds >= 0 else seconds + (1 << 32)) * 1_000_000_000 + (fraction * 10**9 >> 32)
    return int.from_bytes(raw, "big") if kind == "u" or len(raw) <= 8 else raw.hex()
