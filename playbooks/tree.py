"""JSON and YAML as one tree of texts with line numbers."""

from __future__ import annotations

import re

import msgspec

from citywall.faults import Fault
from posture.nodes import Node, parse

#: Bytes a playbook may have.
MAX_BYTES = 1 << 20
#: Deeper than any field of a playbook.
MAX_DEPTH = 16
SECTION = "playbook_fault"
_AT = re.compile(r"\(byte (\d+)\)")


def read(data: bytes, path: str, *, as_json: bool) -> tuple[Node | None, list[Fault]]:
    """The tree of a document and the faults of its form; None where it is no tree.

    JSON is checked as such (RFC 8259) and then read by the parser that knows lines: what is left of it is
    YAML too. Keys given twice are a fault in both.
    """
    if len(data) > MAX_BYTES:
        return None, [Fault(path, 0, "", f"{SECTION}.too_large", {"most": str(MAX_BYTES >> 20)})]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        return None, [Fault(path, data.count(b"\n", 0, e.start) + 1, "", f"{SECTION}.not_utf8")]
    if as_json:
        if fault := _json_fault(text.encode(), path):
            return None, [fault]
        # White space of JSON that YAML will not have as indentation; within texts it cannot stand.
        text = text.replace("\t", " ")
    tree, faults = parse(text, path, section=SECTION, depth=MAX_DEPTH)
    if tree is None and not faults:
        faults = [Fault(path, 0, "", f"{SECTION}.empty")]
    return tree, faults


def _json_fault(data: bytes, path: str) -> Fault | None:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as e:
        at = _AT.search(str(e))
        line = data.count(b"\n", 0, int(at[1])) + 1 if at else 0
        reason = _AT.sub("", str(e)).strip() or "nested too deeply"
        return Fault(path, line, "", f"{SECTION}.not_json", {"reason": reason})
    return None
