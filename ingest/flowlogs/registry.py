"""The flow-log formats, and the way from a path to batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citywall.batches import FlowBatch
from citywall.domains import Domains, DomainSettings
from citywall.errors import UnsupportedInput
from citywall.watermarks import BEGINNING
from ingest.collectors import exports
from ingest.collectors.exports import Exports
from ingest.flowlogs import rows
from ingest.flowlogs.binetflow import Binetflow
from ingest.flowlogs.eve import Eve
from ingest.flowlogs.files import HEAD_BYTES, ChunkRef, cut_chunks, head_of, locate, open_log
from ingest.flowlogs.lines import Errors, split
from ingest.flowlogs.mapped import Mapped
from ingest.flowlogs.mapping import load
from ingest.flowlogs.parser import Parsed, Parser
from ingest.flowlogs.portal import PortalRecords
from ingest.flowlogs.together import together
from ingest.flowlogs.vpc import Vpc
from ingest.flowlogs.zeek_json import ZeekJson
from ingest.flowlogs.zeek_other import ZeekOther
from ingest.flowlogs.zeek_tsv import ZeekTsv

PARSERS: dict[str, Parser] = {
    parser.name: parser
    for parser in (
        ZeekTsv(),
        ZeekJson(),
        Eve(),
        Binetflow(),
        Vpc(),
        ZeekOther(),
        PortalRecords(),
        Mapped(),
    )
}

#: Bytes of a log that travel as one chunk.
CHUNK_BYTES = 1 << 20
#: Lines of a chunk that are looked at for when it begins; a log of Zeek has some ten that describe it.
_FIRST_LINES = 64


@dataclass(frozen=True)
class LogBatch(FlowBatch):
    """A FlowBatch with what else a log says: EVENT rows, and the lines that gave nothing.

    `flow_lines` and `event_lines` (int64) are the lines that rows came from; a `FlowLogReader` leaves
    them empty.
    """

    events: NDArray[np.void]
    errors: Errors
    flow_lines: NDArray[np.int64]
    event_lines: NDArray[np.int64]


def sniff(path: Path, mappings: Sequence[str] = ()) -> Parser | Exports | None:
    """The parser for a file or a Zeek folder, None where none fits; raises InputError.

    Logs of other kinds are recognised by the mapping files in `mappings`; raises SettingsError for a bad one.
    """
    mapped = [Mapped(load(Path(name))) for name in mappings]
    if found := exports.sniff(path):
        return found
    try:
        logs = locate(path).logs
    except UnsupportedInput:
        return None
    known = next((parser for log in logs if (parser := _parser_of(log))), None)
    return known or next((each for each in mapped if each.sniff(head_of(logs[0]))), None)


def _parser_of(log: Path) -> Parser | None:
    head = head_of(log)
    return next((parser for parser in PARSERS.values() if parser.sniff(head)), None)


def chunks(
    path: Path, parser: Parser | Exports, chunk_bytes: int = CHUNK_BYTES, session: str = ""
) -> Iterator[ChunkRef]:
    """References to the lines of a log in order, about `chunk_bytes` each; raises InputError.

    `files.read_chunk` gives the bytes of one.
    """
    if isinstance(parser, Exports):
        return exports.chunks(path, parser, session, chunk_bytes)
    return _cut(path, parser, chunk_bytes, session)


def _cut(path: Path, parser: Parser, chunk_bytes: int, session: str) -> Iterator[ChunkRef]:
    """A file, or those of a folder together, each by its own parser; what has none is left out."""
    if not path.is_dir():
        return cut_chunks(path, parser, chunk_bytes, session)
    known = ((log, _parser_of(log)) for log in locate(path).logs)
    return together(
        [cut_chunks(log, of_log, chunk_bytes, session) for log, of_log in known if of_log], _begins
    )


def _begins(ref: ChunkRef) -> int | None:
    """The time (ns) of the first row among the first lines of a chunk."""
    lines = open_log(Path(ref.path)).read(ref.offset, min(ref.length, HEAD_BYTES)).splitlines(keepends=True)
    batch, _ = parse(ref, b"".join(lines[:_FIRST_LINES]))
    rows = [(batch.flow_lines, batch.reports["time"]), (batch.event_lines, batch.events["time"])]
    found = [(int(of[0]), int(times[0])) for of, times in rows if len(of)]
    return min(found)[1] if found else None


def read(ref: ChunkRef, lines: bytes) -> Parsed:
    """What a chunk's parser understands of its lines; errors include those found while cutting."""
    parsed = PARSERS[ref.parser].parse(split(lines, ref.first_line), ref.header)
    errors = Errors(dict(ref.errors), {reason: list(places) for reason, places in ref.places.items()})
    errors.merge(parsed.errors)
    return Parsed(parsed.logged, parsed.resolutions, errors, parsed.others, parsed.oneway, parsed.said)


def parse(ref: ChunkRef, lines: bytes, domains: Domains | None = None) -> tuple[LogBatch, Errors]:
    """Parse one chunk by itself: END rows in line order with their own start as time, no watermark.

    Streams go through `reader.FlowLogReader`, which orders rows in time.
    """
    domains = domains or Domains(DomainSettings())
    parsed = read(ref, lines)
    logged = parsed.logged
    reports = rows.flow_rows(logged, domains)
    closed = rows.closed_rows(reports, logged.src_mac, logged.dst_mac)
    events, event_lines = rows.events_of(parsed.resolutions, parsed.said, domains)
    batch = LogBatch(reports, closed, BEGINNING, events, parsed.errors, logged.line, event_lines)
    return batch, parsed.errors
