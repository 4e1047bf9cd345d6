"""Checks a tree against msgspec types and tells every fault, where msgspec itself tells the first.

So the types are the schema: what a field may hold is declared once, in Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import inspect

from citywall.faults import Fault
from playbooks.tree import SECTION
from posture.nodes import Fields, Items, Node, Scalar

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u2028\u2029\ud800-\udfff]")
_LONGEST = 80


class Missing:
    """What has faults: there is no value."""


MISSING = Missing()


class Checker:
    """Checks trees of one file. `strict`: a text needs quotation marks, as in JSON.

    `names` has what faults call a field, where that is not its key: authors know their own short names.
    """

    def __init__(self, path: str, *, strict: bool, names: Mapping[str, str] | None = None) -> None:
        self.faults: list[Fault] = []
        self._path = path
        self._strict = strict
        self._names = names or {}

    def check(self, node: Node, wanted: Any, name: str = "") -> Any:
        """The value of `node` as `wanted` (a type), in Python's plain types; MISSING where it has faults."""
        known = len(self.faults)
        value = self._value(node, _described(wanted), name)
        return value if len(self.faults) == known else MISSING

    def note(self, node: Node | int, name: str, key: str, **values: str) -> Missing:
        """A fault."""
        line = node if isinstance(node, int) else node.line
        self.faults.append(Fault(self._path, line, name, f"{SECTION}.{key}", values))
        return MISSING

    def _value(self, node: Node, wanted: inspect.Type, name: str) -> Any:
        match wanted:
            case inspect.Metadata():
                return self._value(node, wanted.type, name)
            case inspect.StructType():
                return self._struct(node, wanted, name)
            case inspect.UnionType():
                return self._union(node, wanted, name)
            case inspect.DictType():
                return self._dict(node, wanted, name)
            case inspect.ListType() | inspect.VarTupleType():
                return self._list(node, wanted, name)
            case inspect.AnyType():
                return plain(node)
            case _:
                return self._scalar(node, wanted, name)

    def _scalar(self, node: Node, wanted: inspect.Type, name: str) -> Any:
        if not isinstance(node, Scalar):
            return self.note(node, name, "not_text")
        text = node.text
        match wanted:
            case inspect.StrType():
                return self._text(node, wanted, name)
            case inspect.LiteralType():
                if text not in wanted.values or (self._strict and node.plain):
                    names = ", ".join(map(str, wanted.values))
                    return self.note(node, name, "not_choice", names=names, text=text[:_LONGEST])
                return text
            case inspect.BoolType():
                if not node.plain or text not in {"true", "false"}:
                    return self.note(node, name, "not_flag", text=text[:_LONGEST])
                return text == "true"
            case inspect.IntType():
                low, high = wanted.ge, wanted.le
                number = int(text) if node.plain and _INTEGER.fullmatch(text) else None
                if (
                    number is None
                    or (low is not None and number < low)
                    or (high is not None and number > high)
                ):
                    limits = {"low": str(low or 0), "high": str(high if high is not None else "…")}
                    return self.note(node, name, "not_number", text=text[:_LONGEST], **limits)
                return number
        raise AssertionError(f"{wanted} is no type of a playbook's field")

    def _text(self, node: Scalar, wanted: inspect.StrType, name: str) -> Any:
        text = node.text
        if self._strict and node.plain:
            return self.note(node, name, "not_quoted")
        if _CONTROL.search(text.replace("\t", "")):
            return self.note(node, name, "control")
        if wanted.min_length and not text.strip():
            return self.note(node, name, "empty_text")
        if wanted.max_length is not None and len(text) > wanted.max_length:
            return self.note(node, name, "too_long", most=str(wanted.max_length))
        if wanted.pattern is not None and not re.search(wanted.pattern, text):
            return self.note(node, name, "not_form", form=wanted.pattern, text=text[:_LONGEST])
        return text

    def _list(self, node: Node, wanted: inspect.ListType | inspect.VarTupleType, name: str) -> Any:
        if not isinstance(node, Items):
            return self.note(node, name, "not_list")
        if wanted.min_length and len(node.items) < wanted.min_length:
            return self.note(node, name, "too_few", least=str(wanted.min_length))
        if wanted.max_length is not None and len(node.items) > wanted.max_length:
            return self.note(node, name, "too_many", most=str(wanted.max_length))
        return [self._value(n, wanted.item_type, f"{name}[{at}]") for at, n in enumerate(node.items, 1)]

    def _dict(self, node: Node, wanted: inspect.DictType, name: str) -> Any:
        if not isinstance(node, Fields):
            return self.note(node, name, "not_map")
        values = {}
        for key, (line, inner) in node.fields.items():
            within = self._within(name, key)
            if self._value(Scalar(line, key, plain=False), wanted.key_type, within) is not MISSING:
                values[key] = self._value(inner, wanted.value_type, within)
        return values

    def _union(self, node: Node, wanted: inspect.UnionType, name: str) -> Any:
        options = [t for t in wanted.types if not isinstance(t, inspect.NoneType)]
        if len(options) < len(wanted.types) and isinstance(node, Scalar) and node.absent:
            return None
        structs = {t.tag: t for t in options if isinstance(t, inspect.StructType)}
        if len(options) == 1:
            return self._value(node, options[0], name)
        if not isinstance(node, Fields):
            return self.note(node, name, "not_map")
        tag = node.fields.get("type")
        if tag is None:
            return self.note(node, self._within(name, "type"), "missing")
        kind = tag[1].text if isinstance(tag[1], Scalar) else ""
        if kind not in structs:
            names = ", ".join(sorted(map(str, structs)))
            return self.note(
                tag[0], self._within(name, "type"), "not_choice", names=names, text=kind[:_LONGEST]
            )
        return self._struct(node, structs[kind], name)

    def _struct(self, node: Node, wanted: inspect.StructType, name: str) -> Any:
        if not isinstance(node, Fields):
            return self.note(node, name, "not_map")
        fields = {field.encode_name: field for field in wanted.fields}
        values: dict[str, Any] = {}
        for key, (line, inner) in node.fields.items():
            within = self._within(name, key)
            if key == wanted.tag_field:
                values[key] = self._tag(inner, wanted, within)
            elif key in fields:
                if not (isinstance(inner, Scalar) and inner.absent):
                    values[key] = self._value(inner, fields[key].type, within)
            elif (others := getattr(wanted.cls, "OPEN", None)) and re.match(others, key):
                values[key] = plain(inner)
            else:
                self.note(line, within, "unknown", names=", ".join(fields))
        for key, field in fields.items():
            if field.required and key not in values:
                place = node.fields[key][0] if key in node.fields else node.line
                self.note(place, self._within(name, key), "missing")
        return values

    def _tag(self, node: Node, wanted: inspect.StructType, name: str) -> Any:
        text = node.text if isinstance(node, Scalar) else ""
        if text != wanted.tag:
            return self.note(node, name, "not_choice", names=str(wanted.tag), text=text[:_LONGEST])
        return text

    def _within(self, name: str, key: str) -> str:
        shown = self._names.get(key, key)
        shown = shown if shown.isprintable() and len(shown) <= _LONGEST else repr(shown[:_LONGEST])
        return f"{name}.{shown}" if name else shown


@cache
def _described(wanted: Any) -> inspect.Type:
    """What msgspec knows of a type; it takes a quarter of a second to find out."""
    return inspect.type_info(wanted)


def plain(node: Node) -> Any:
    """A tree in Python's plain types, texts without quotation marks read as JSON's words and numbers."""
    match node:
        case Fields():
            return {key: plain(inner) for key, (_, inner) in node.fields.items()}
        case Items():
            return [plain(inner) for inner in node.items]
        case Scalar() if node.plain and node.text in {"true", "false"}:
            return node.text == "true"
        case Scalar() if node.absent:
            return None
        case Scalar() if node.plain and _INTEGER.fullmatch(node.text):
            return int(node.text)
    assert isinstance(node, Scalar)
    return node.text
