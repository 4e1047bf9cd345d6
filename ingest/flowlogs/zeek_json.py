"""Zeek conn.log as JSON lines (`LogAscii::use_json=T`); times as seconds, milliseconds or ISO 8601."""

from __future__ import annotations

from ingest.flowlogs import zeek
from ingest.flowlogs.fields import Fields, read_json
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.parser import Parsed, Parser, names_in


class ZeekJson(Parser):
    """`{"ts":1700828217.3,"id.orig_h":"192.0.2.1",…}`; dots in names may be underscores."""

    name = "zeek-json"

    def sniff(self, head: bytes) -> bool:
        """Whether one of the first lines is an object with the endpoints and a field only conn.log has."""
        for line in head.splitlines()[:20]:
            names = names_in(line)
            if {"id_orig_h", "id_resp_h", "proto", "ts"} <= names and names.intersection(zeek.TELLING):
                return True
        return False

    def header(self, lines: bytes, header: str) -> str:
        """JSON needs none."""
        del lines
        return header

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Every line by itself."""
        del header
        fields = Fields(lines, zeek.NAMES)
        read_json(fields)
        logged = zeek.logged(fields)
        errors = Errors()
        errors.add_status(fields.status, lines.numbers)
        return Parsed(logged, errors=errors)
