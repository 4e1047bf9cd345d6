"""Zeek conn.log as text columns under `#fields` (any order, any subset); headers may come again."""

from __future__ import annotations

import re

import numpy as np

from ingest.flowlogs import zeek
from ingest.flowlogs.fields import Fields, cut
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.parser import Parsed, Parser, together
from ingest.flowlogs.rows import Logged

_DIRECTIVE = re.compile(rb"^#(separator|fields|path|unset_field|empty_field)[^\n]*", re.MULTILINE)
_BODY = re.compile(rb"^[^#]", re.MULTILINE)
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")
#: A header line longer than this is not one.
_LONGEST_HEADER = 1 << 16
#: Header lines that change how the lines behind them are read.
_MATTERS = (b"#separator", b"#fields", b"#path", b"#unset_field", b"#empty_field")


class ZeekTsv(Parser):
    """Columns named by `#fields`, cut at `#separator`, `#unset_field` for what is not known."""

    name = "zeek-tsv"

    def sniff(self, head: bytes) -> bool:
        """Whether the header names the endpoints and a field only conn.log has."""
        if not head.startswith(b"#"):
            return False
        body = _BODY.search(head)
        told = Header(self.header(head[: body.start()] if body else head, ""))
        names = {name.lower().replace(".", "_") for name in told.columns}
        needed = {"ts", "id_orig_h", "id_resp_h", "proto"} <= names
        return told.is_conn and needed and bool(names.intersection(zeek.TELLING))

    def header(self, lines: bytes, header: str) -> str:
        """The last of each directive so far, one a line."""
        if not lines.startswith(b"#") and b"\n#" not in lines:
            return header
        found = [match.group() for match in _DIRECTIVE.finditer(lines)]
        return _merged(header, [line for line in found if len(line) <= _LONGEST_HEADER])

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Runs of lines between header lines, each by the header above it."""
        comment = lines.buffer[lines.starts] == ord("#")
        parts = []
        at = 0
        for i in np.flatnonzero(comment & _mattering(lines)):
            raw = lines.buffer[lines.starts[i] : lines.ends[i]].tobytes()
            changed = _merged(header, [raw] if len(raw) <= _LONGEST_HEADER else [])
            if changed != header:
                parts.append(_run(lines.part(at, int(i)), comment[at : int(i)], header))
                header, at = changed, int(i)
        parts.append(_run(lines.part(at, len(lines)), comment[at:], header))
        return together(parts)


class Header:
    """What header lines say. `columns` is empty when no usable `#fields` was seen."""

    def __init__(self, text: str) -> None:
        self.separator, self.unset, self.empty, self.path = "\t", "-", "(empty)", "conn"
        self.columns: list[str] = []
        for line in text.split("\n"):
            if line.startswith("#separator"):
                self.separator = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), line[10:].lstrip(" \t")) or "\t"
        for line in text.split("\n"):
            name, _, value = line.partition(self.separator)
            if name == "#fields":
                self.columns = value.split(self.separator) if value else []
            elif name == "#unset_field":
                self.unset = value
            elif name == "#empty_field":
                self.empty = value
            elif name == "#path":
                self.path = value
        if len(self.separator) != 1 or ord(self.separator) > 127:
            self.columns = []

    @property
    def is_conn(self) -> bool:
        """Whether the lines are connections."""
        return self.path.partition(".")[0] in {"conn", "conn_red", "conn_long"}


def _mattering(lines: Lines) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    found = np.zeros(len(lines), np.bool_)
    for directive in _MATTERS:
        found |= lines.beginning(directive)
    return found


def _merged(header: str, found: list[bytes]) -> str:
    told = {line.split(None, 1)[0]: line for line in header.split("\n") if line}
    for raw in found:
        line = raw.decode("utf-8", "replace").rstrip("\r")
        match = _DIRECTIVE.match(raw)
        if match:
            told[f"#{match[1].decode()}"] = line
    return "\n".join(told[name] for name in sorted(told))


def _run(lines: Lines, comment: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], header: str) -> Parsed:
    lines = lines.where(~comment)
    told = Header(header)
    fields = Fields(lines, zeek.NAMES)
    everywhere = np.ones(len(lines), np.bool_)
    if not told.columns:
        fields.mark(everywhere, "no_header")
    elif not told.is_conn:
        fields.mark(everywhere, "other_log")
    else:
        cut(fields, told.columns, told.separator, absent=(told.unset, told.empty))
    logged: Logged = zeek.logged(fields)
    errors = Errors()
    errors.add_status(fields.status, lines.numbers)
    return Parsed(logged, errors=errors)
