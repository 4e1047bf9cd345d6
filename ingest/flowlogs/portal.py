"""Records of probes of portals, as Citywall writes them: JSON lines, one a visit of a page."""

from __future__ import annotations

import numpy as np

from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.parser import Parsed, Parser, names_in
from ingest.flowlogs.rows import nothing
from ingest.flowlogs.said import Said
from ingest.portals import records
from ingest.portals.visits import Record


class PortalRecords(Parser):
    """`{"portal":"www","url":"https://…","visited":…,"drifts":[…]}`."""

    name = "portal"

    def sniff(self, head: bytes) -> bool:
        """Whether one of the first lines is a record."""
        return any({"portal", "url", "visited"} <= names_in(line) for line in head.splitlines()[:20])

    def header(self, lines: bytes, header: str) -> str:
        """JSON needs none."""
        del lines
        return header

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Every line by itself; one without drifts says nothing and is counted."""
        del header
        errors, found, numbers = Errors(), list[Record](), list[int]()
        for i in range(len(lines)):  # a few a minute: no hot path
            number = lines.numbers[i : i + 1]
            try:
                record = records.read(lines.text(i))
            except ValueError:
                errors.add("not_json", number)
                continue
            if reason := records.sound(record):
                errors.add(reason, number)
            else:
                found.append(record)
                numbers.append(int(number[0]))
        rows, of = records.rows_of(found)
        told = Said(rows, np.array(numbers, np.int64)[of])
        return Parsed(
            nothing(), errors=errors, others={"portal_probes": len(found)} if found else {}, said=told
        )
