"""The flow-log formats, and the way from a path to batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
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
from ingest.flowlogs.files import ChunkRef, cut_chunks, head_of, locate
from ingest.flowlogs.lines import Errors, split
from ingest.flowlogs.mapped import Mapped
from ingest.flowlogs.mapping import load
from ingest.flowlogs.parser import Parsed, Parser
from ingest.flowlogs.portal import PortalRecords
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
    """File after file, each by its own parser; what has none in a folder is left out."""
    index = 0
    for log in locate(path).logs:
        of_log = parser if not path.is_dir() else _parser_of(log)
        if of_log is not None:
            for ref in cut_chunks(log, of_log, chunk_bytes, session, index):
                yield msgspec.structs.replace(ref, folder=path.is_dir())
                index = ref.index + 1


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
