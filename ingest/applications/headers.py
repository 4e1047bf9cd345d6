"""Header blocks of HTTP and mail: lines to fields, as libhtp reads them."""

from __future__ import annotations

import re
from typing import NamedTuple

_FOLD = re.compile(rb"\r?\n[ \t]+")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Field(NamedTuple):
    """A field as it came, its name for comparison, and its value without white space around it."""

    name: bytes
    key: bytes
    value: bytes


def parse(block: bytes) -> tuple[list[Field], bool]:
    """The fields of a block without its empty line, and whether each line had a colon.

    Continuation lines are joined with one space. A line without a colon is a field without a name.
    """
    if b"\n " in block or b"\n\t" in block:
        block = _FOLD.sub(b" ", block)
    fields: list[Field] = []
    sound = True
    for each in block.split(b"\n"):
        line = each.rstrip(b"\r")
        if not line:
            continue
        name, colon, value = line.partition(b":")
        if not colon:
            sound = False
            fields.append(Field(b"", b"", line.strip(b" \t")))
            continue
        name = name.strip(b" \t\v\f")
        key = name.lower().replace(b"\0", b"")
        fields.append(Field(name, key, value.strip(b" \t\r\0").replace(b"\0", b"")))
    return fields, sound


def merged(fields: list[Field]) -> dict[bytes, Field]:
    """One field a name, in the order they came first: repeated values joined with a comma, lengths not."""
    out: dict[bytes, Field] = {}
    for field in fields:
        old = out.get(field.key)
        if old is None:
            out[field.key] = field
        elif field.key != b"content-length" and len(old.value) < 1 << 16:
            out[field.key] = Field(old.name, old.key, old.value + b", " + field.value)
    return out


def is_token(text: bytes) -> bool:
    """Whether `text` can be a method or a field name (RFC 9110 §5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def parameter(value: bytes, name: bytes) -> bytes:
    """A parameter of a field value such as Content-Type: without quotes, empty where it is not there."""
    found = re.search(
        rb";\s*" + re.escape(name) + rb"\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;\s]+))", value, re.IGNORECASE
    )
    if not found:
        return b""
    return found.group(1) if found.group(1) is not None else found.group(2)
