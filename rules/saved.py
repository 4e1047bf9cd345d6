"""Rules that were read, as bytes, and back: what reading 24,827 of them costs is spent once.

Arrays of msgpack, no pickles: objects are lists of their class's number and their fields, long numbers and
lists of ranges stand once in a table of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from citywall.errors import NotSaved
from rules.language import model, parser
from rules.language.model import Listed, Rule
from rules.language.parser import RuleSet

_CLASSES: tuple[type[Any], ...] = (
    RuleSet, parser.Rejected, Rule, model.BufferCheck, model.Content, model.Pcre, model.IsDataAt, model.Size,
    model.ByteTest, model.ByteJump, model.ByteExtract, model.ByteMath, model.Base64, model.Entropy,
    model.Absent, model.Transform, model.Number, model.Flags, model.Flow, model.StreamSize, model.Bits,
    model.FlowInt, model.Limit, model.Happening, model.Tag, model.Asn1, model.Reputation,
)  # fmt: skip
_NUMBERS = {kind: number for number, kind in enumerate(_CLASSES)}
_FIELDS = [tuple(field.name for field in fields(kind)) for kind in _CLASSES]
# What a list begins with, beside the numbers of classes.
_LIST, _TUPLE, _DICT, _SHARED = -1, -2, -3, -4
_ROOM = Path(__file__).parent


def digest_of_sources() -> bytes:
    """Changes when anything that reads rules does."""
    digest = hashlib.sha256()
    for source in sorted(_ROOM.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.digest()


class _Packer:
    def __init__(self) -> None:
        self.shared: list[Any] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def pack(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | float | str | bytes):
            return value
        if isinstance(value, int):
            return value if abs(value) < 1 << 63 else [_SHARED, self._share((value,))]
        if isinstance(value, list):
            return [_LIST, *map(self.pack, value)]
        if isinstance(value, tuple):
            if value and isinstance(value[0], tuple) and all(isinstance(n, int) for n in value[0]):
                return [_SHARED, self._share(value)]
            return [_TUPLE, *map(self.pack, value)]
        if isinstance(value, dict):
            return [_DICT, *(self.pack(part) for pair in value.items() for part in pair)]
        number = _NUMBERS.get(type(value))
        if number is None:
            raise NotSaved(f"{type(value).__name__} is not kept")
        return [number, *(self.pack(getattr(value, name)) for name in _FIELDS[number])]

    def _share(self, value: tuple[Any, ...]) -> int:
        if value not in self._places:
            self._places[value] = len(self.shared)
            self.shared.append(
                [list(map(str, pair)) if isinstance(pair, tuple) else str(pair) for pair in value]
            )
        return self._places[value]


def pack(found: RuleSet) -> bytes:
    """Rules as bytes; raises NotSaved where one depends on other files (data sets), or was refused."""
    if found.rejected:
        raise NotSaved("refused rules are read each time: what refused them may lie elsewhere")
    for rule in found.rules:
        for check in rule.buffers:
            if any(isinstance(op, Listed) for op in (*check.ops, *check.decoded)):
                raise NotSaved("rules that look into data sets are read each time")
    packer = _Packer()
    body = packer.pack(found)
    return msgspec.msgpack.encode([packer.shared, body])


def unpack(data: bytes) -> RuleSet:
    """Rules out of bytes; raises NotSaved."""
    try:
        shared, body = msgspec.msgpack.decode(data)
        known = [_shared(entry) for entry in shared]
        found = _reader(known)(body)
    except (msgspec.MsgspecError, TypeError, ValueError, LookupError, RecursionError) as e:
        raise NotSaved(f"no rules: {e}") from e
    if not isinstance(found, RuleSet):
        raise NotSaved("no rules: something else was kept")
    return found


def _shared(entry: list[Any]) -> Any:
    if len(entry) == 1 and isinstance(entry[0], str):
        return int(entry[0])
    return tuple(tuple(map(int, pair)) for pair in entry)


def _reader(shared: list[Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        kind = value[0]
        if kind == _SHARED:
            return shared[value[1]]
        parts = [part if not isinstance(part, list) else read(part) for part in value[1:]]
        if kind == _LIST:
            return parts
        if kind == _TUPLE:
            return tuple(parts)
        if kind == _DICT:
            return dict(zip(parts[::2], parts[1::2], strict=True))
        if not 0 <= kind < len(_CLASSES):
            raise ValueError(f"no class has the number {kind}")
        return _CLASSES[kind](*parts)

    return read
