"""Templates: read out of their sets, laid out for the kernels, kept by exporter and domain."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.collectors import kernels as k
from ingest.collectors.elements import COLUMNS, REVERSE, SCOPE, TELLING, Element

VARIABLE = 0xFFFF
#: Layouts that are kept at once; an exporter that changes its templates for ever gets no more.
MAX_LAYOUTS = 1 << 14
#: What `Layouts.add` says when there is no room.
NO_ROOM = -1


class Field(msgspec.Struct, frozen=True, array_like=True):
    """One field of a template: `length` is VARIABLE where the record tells it."""

    enterprise: int
    number: int
    length: int

    @property
    def element(self) -> Element:
        """What it is."""
        return self.enterprise, self.number


class Template(msgspec.Struct, frozen=True, array_like=True):
    """The fields of a record in order; the first `scopes` say what an option is about (0: a flow record)."""

    id: int
    fields: tuple[Field, ...]
    scopes: int = 0
    layout: int = -1

    @property
    def telling(self) -> bool:
        """Whether its records change how flows are read."""
        return self.scopes > 0 and any(field.element in TELLING for field in self.fields)


@dataclass(frozen=True)
class Refused:
    """A template that cannot be used, and why."""

    id: int
    reason: str


@dataclass(frozen=True)
class Withdrawn:
    """A template that is no more; id 0 stands for all (of flows, or of options where `options`)."""

    id: int
    options: bool


def read_set(raw: bytes, version: int, options: bool) -> Iterator[Template | Refused | Withdrawn]:
    """The templates of a set's content (RFC 3954 §5.2 and §6.1, RFC 7011 §3.4)."""
    at = 0
    while at + 4 <= len(raw):
        number, count = struct.unpack_from(">HH", raw, at)
        at += 4
        if number < 256 and not (version == k.IPFIX and count == 0):
            if any(raw[at - 4 :]):
                yield Refused(number, "template_id")
            return  # else padding
        scopes = 0
        if version == k.IPFIX and count == 0:
            yield Withdrawn(number if number >= 256 else 0, options)
            continue
        if options:
            if at + 2 > len(raw):
                yield Refused(number, "template_truncated")
                return
            (second,) = struct.unpack_from(">H", raw, at)
            at += 2
            scopes, count = (second, count) if version == k.IPFIX else (count // 4, (count + second) // 4)
            if scopes == 0 and version == k.IPFIX:
                yield Refused(number, "template_scope")
                return
        fields, at = _fields(raw, at, count, version, scopes)
        if len(fields) < count:
            yield Refused(number, "template_truncated")
            return
        # An option about nothing (v9 allows it) is still no flow.
        yield _checked(Template(number, tuple(fields), max(scopes, 1) if options else 0))


def _fields(raw: bytes, at: int, count: int, version: int, scopes: int) -> tuple[list[Field], int]:
    """As many of `count` fields as there are, and where they end."""
    fields: list[Field] = []
    while len(fields) < count and at + 4 <= len(raw):
        number, length = struct.unpack_from(">HH", raw, at)
        at += 4
        enterprise = 0
        if version == k.IPFIX and number & 0x8000:
            if at + 4 > len(raw):
                break
            (enterprise,) = struct.unpack_from(">I", raw, at)
            at += 4
            number &= 0x7FFF
        elif version == k.V9 and len(fields) < scopes:
            enterprise = SCOPE
        fields.append(Field(enterprise, number, length))
    return fields, at


def _checked(template: Template) -> Template | Refused:
    least = sum(1 if field.length == VARIABLE else field.length for field in template.fields)
    if least == 0:
        return Refused(template.id, "template_empty")
    if least > 0xFFFF:
        return Refused(template.id, "template_too_long")
    return template


#: The records of NetFlow v5 (48 bytes).
V5_FIELDS = tuple(
    Field(0, number, length)
    for number, length in (
        (8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2),
        (210, 1), (6, 1), (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (210, 2),
    )
)  # fmt: skip


class Layouts:
    """Templates as the kernels take them; equal ones of different exporters share a layout."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[Field, ...], bool], int] = {}
        self._rows: list[tuple[int, ...]] = []
        self._ops: list[_Operation] = []
        self.table: NDArray[np.void] = np.zeros(0, k.LAYOUT)
        self.ops: NDArray[np.void] = np.zeros(0, k.OPERATION)
        self.places: NDArray[np.void] = np.zeros((0, k.COLUMNS), k.PLACE)
        self.v5 = self.add(V5_FIELDS, options=False)

    def add(self, fields: tuple[Field, ...], *, options: bool) -> int:
        """The number of a layout, NO_ROOM where too many are known."""
        if (known := self._known.get((fields, options))) is not None:
            return known
        if len(self._rows) >= MAX_LAYOUTS:
            return NO_ROOM
        first = len(self._ops)
        fixed = all(field.length != VARIABLE for field in fields)
        places = self._operations(fields, fixed) if not options else self._lengths(fields, fixed)
        useful = not options and {k.SRC_HI, k.DST_HI} <= {column for _, _, column, _ in places}
        straight = useful and fixed and _straight(places)
        bounds, present = [first + len(places)] * 3, 0
        if straight:
            places.sort(key=lambda place: _BY_KIND.index(place[3]))
            kinds = [_BY_KIND.index(kind) for *_, kind in places]
            bounds = [first + sum(kind <= last for kind in kinds) for last in range(3)]
            present = sum(1 << column for _, _, column, _ in places)
        self._ops += [(*place, _shift(place[1])) for place in places]
        least = sum(1 if field.length == VARIABLE else field.length for field in fields)
        clocked = any(column == k.UP_LAST for _, _, column, _ in places)
        plain = _plain(places) if straight else 0
        flags = (int(fixed), int(useful), int(options), int(straight), int(clocked), plain)
        self._rows.append((present, first, len(self._ops), *bounds, least, *flags))
        self._known[fields, options] = len(self._rows) - 1
        self._place(places if plain else [])
        self.table = np.array(self._rows, k.LAYOUT)
        self.ops = np.array(self._ops, k.OPERATION)
        return len(self._rows) - 1

    def _place(self, places: list[_Place]) -> None:
        """Where the newest layout has its columns."""
        index = len(self._rows) - 1
        if index >= len(self.places):
            more = np.zeros((max(16, len(self.places)), k.COLUMNS), k.PLACE)
            self.places = np.concatenate((self.places, more))
        self.places[index]["at"] = -1
        for at, length, column, _ in places:
            self.places[index, column] = (at, _shift(length))

    @staticmethod
    def _lengths(fields: tuple[Field, ...], fixed: bool) -> list[_Place]:
        """Of records that are only counted."""
        return [] if fixed else [(0, _length(field), -1, 0) for field in fields]

    @staticmethod
    def _operations(fields: tuple[Field, ...], fixed: bool) -> list[_Place]:
        places, at = [], 0
        for field in fields:
            column, kind = COLUMNS.get(field.element, (-1, 0))
            if field.enterprise == REVERSE and field.element not in COLUMNS:
                column = -1
            if column >= 0 or not fixed:
                places.append((at, _length(field), column, kind))
            at += field.length
        return places


#: Where a field is, its length, its column, its kind; and behind these its shift.
_Place = tuple[int, int, int, int]
_Operation = tuple[int, int, int, int, int]
#: The kinds of fields that straight layouts have, in the order of their operations.
_BY_KIND = (k.UNSIGNED, k.ADDRESS4, k.ADDRESS6, k.MILLISECONDS)
_LONGEST = {k.UNSIGNED: range(1, 9), k.ADDRESS4: (4,), k.ADDRESS6: (16,), k.MILLISECONDS: range(1, 9)}


def _straight(places: list[_Place]) -> bool:
    """Whether fields of fixed length are of plain kinds, of lengths that these have, and each told once."""
    plain = all(length in _LONGEST.get(kind, ()) for _, length, _, kind in places)
    return plain and len({column for _, _, column, _ in places}) == len(places)


#: What plain layouts may have beside the two addresses, and of which kind.
_PLAIN = dict.fromkeys(
    (k.SRC_PORT, k.DST_PORT, k.PROTO, k.PACKETS, k.BYTES, k.OUT_PACKETS, k.OUT_BYTES, k.FLAGS, k.ICMP,
     k.VLAN, k.SRC_MAC, k.DST_MAC, k.UP_FIRST, k.UP_LAST, k.DURATION),
    k.UNSIGNED,
) | {k.FIRST: k.MILLISECONDS, k.LAST: k.MILLISECONDS}  # fmt: skip


def _plain(places: list[_Place]) -> int:
    """1 where a straight layout is plain and of IPv4, 2 where it is of IPv6, else 0."""
    kinds = {column: kind for _, _, column, kind in places}
    families = {kinds.pop(k.SRC_HI), kinds.pop(k.DST_HI)}
    if len(families) > 1 or any(_PLAIN.get(column) != kind for column, kind in kinds.items()):
        return 0
    return 1 if families == {k.ADDRESS4} else 2


def _shift(length: int) -> int:
    """What puts a number of so many bytes in place, of eight read."""
    return 64 - 8 * min(max(length, 1), 8)


def _length(field: Field) -> int:
    return -1 if field.length == VARIABLE else field.length
