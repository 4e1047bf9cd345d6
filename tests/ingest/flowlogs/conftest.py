"""A naive reader of records, line by line, to hold the parsers against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

from citywall.addresses import to_words
from ingest.flowlogs import registry
from ingest.flowlogs.files import read_chunk
from ingest.flowlogs.reader import FlowLogReader
from ingest.flowlogs.zeek import PAIRS, STATES

Record = dict[str, str]
FLAGS = {"S": 2, "H": 18, "A": 16, "D": 24, "F": 17, "R": 4, "I": 5, "Q": 3}


@pytest.fixture(autouse=True)
def _wrapping() -> Iterator[None]:
    with np.errstate(over="ignore"):  # hashes wrap on purpose where kernels run as plain Python
        yield


def naive_zeek(record: Record) -> dict[str, int] | None:
    """The FLOW fields of a conn.log record (absent fields are left out of it), None where it is bad."""
    try:
        src, dst = to_words(record["id.orig_h"]), to_words(record["id.resp_h"])
        first = int((Decimal(record["ts"]) * 10**9).quantize(Decimal(1), ROUND_HALF_UP))
        duration = int((Decimal(record.get("duration", "0")) * 10**9).quantize(Decimal(1), ROUND_HALF_UP))
        ports = [int(record.get(name, "0")) for name in ("id.orig_p", "id.resp_p")]
        sizes = {
            name: int(record[name]) if name in record else None
            for name in (
                "orig_bytes",
                "resp_bytes",
                "orig_pkts",
                "resp_pkts",
                "orig_ip_bytes",
                "resp_ip_bytes",
            )
        }
        proto = {"tcp": 6, "udp": 17, "icmp": 1, "unknown_transport": 0}[record["proto"].lower()]
    except (KeyError, ValueError, ArithmeticError):
        return None
    v4 = [words[0] == 0 and words[1] >> 32 == 0xFFFF for words in (src, dst)]
    whole = [p for p in ports if not 0 <= p <= 65535] + [s for s in sizes.values() if s is not None and s < 0]
    if v4[0] != v4[1] or whole or first < 0 or duration < 0:
        return None
    if proto == 1 and not v4[0]:
        proto = 58
    row = {
        "src_hi": src[0],
        "src_lo": src[1],
        "dst_hi": dst[0],
        "dst_lo": dst[1],
        "first": first,
        "last": first + duration,
        "proto": proto,
        "version": 4 if v4[0] else 6,
        "offset": -1,
        "frame": -1,
        "src_port": ports[0],
        "dst_port": ports[1],
        "kind": 2,
        "reason": 5,
        "report": 0,
    }
    flags = naive_outcome(record) if proto == 6 else (0, 0, 0)
    row |= dict(zip(("src_flags", "dst_flags", "first_flags"), flags, strict=True))
    if proto in {1, 58}:
        row |= {"src_port": 0, "dst_port": 0, "icmp_type": min(ports[0], 255)}
        row["icmp_code"] = 0 if PAIRS.get(ports[0]) == ports[1] else min(ports[1], 255)
    header = (20 if v4[0] else 40) + {6: 32, 17: 8, 1: 8, 58: 8}.get(proto, 0)
    for side, name, alive in (("src", "orig", True), ("dst", "resp", flags[1] > 0)):
        payload, size, packets = (sizes[f"{name}_{what}"] for what in ("bytes", "ip_bytes", "pkts"))
        if packets is None:
            packets = int(alive or bool(payload))
        payload = payload or 0
        if size is None:
            size = payload + packets * header
        row |= {f"{side}_packets": packets, f"{side}_bytes": size, f"{side}_payload": min(payload, size)}
        row |= {f"{side}_packets_delta": min(packets, 0xFFFF_FFFF), f"{side}_bytes_delta": size}
    return row


def naive_outcome(record: Record) -> tuple[int, int, int]:
    """TCP flags of originator, responder and first packet."""
    src, dst, first = STATES.get(record.get("conn_state", "").upper(), (0, 0, 0))
    if first in {0, 16}:
        letters = [FLAGS[c.upper()] for c in record.get("history", "") if c.upper() in FLAGS]
        first = letters[0] if letters else 16
    for letter in record.get("history", ""):
        bits = FLAGS.get(letter.upper(), 0)
        if letter.isupper():
            src |= bits
        else:
            dst |= bits
    return src, dst, first


@pytest.fixture(scope="session")
def zeek_row() -> Callable[[Record], dict[str, int] | None]:
    """The naive reader of one conn.log record."""
    return naive_zeek


@pytest.fixture(scope="session")
def same_rows() -> Callable[[np.ndarray, list[dict[str, int]]], None]:
    """Checks FLOW rows against what a naive reader says of each."""

    def check(rows: np.ndarray, wanted: list[dict[str, int]]) -> None:
        assert len(rows) == len(wanted)
        for row, want in zip(rows, wanted, strict=True):
            got = {name: int(row[name]) for name in want}
            assert got == want

    return check


@pytest.fixture(scope="session")
def parse_file() -> Callable[..., registry.LogBatch]:
    """Parses a whole file chunk by chunk, in line order, without the reader."""

    def parse(path: Path, chunk_bytes: int = registry.CHUNK_BYTES) -> registry.LogBatch:
        parser = registry.sniff(path)
        assert parser is not None
        batches = [
            registry.parse(ref, read_chunk(ref))[0] for ref in registry.chunks(path, parser, chunk_bytes)
        ]
        assert batches
        for other in batches[1:]:
            batches[0].errors.merge(other.errors)
        joined = {
            name: np.concatenate([getattr(batch, name) for batch in batches])
            for name in ("reports", "closed", "events", "flow_lines", "event_lines")
        }
        return registry.LogBatch(**joined, watermark=0, errors=batches[0].errors)

    return parse


@pytest.fixture(scope="session")
def read_file() -> Callable[..., tuple[np.ndarray, np.ndarray, FlowLogReader]]:
    """Reads a whole file through a FlowLogReader: reports, events, and the reader."""

    def read(
        path: Path, chunk_bytes: int = registry.CHUNK_BYTES, **options: int
    ) -> tuple[np.ndarray, np.ndarray, FlowLogReader]:
        parser = registry.sniff(path)
        assert parser is not None
        reader = FlowLogReader(**options)
        batches = [reader.add(ref) for ref in registry.chunks(path, parser, chunk_bytes)]
        batches.append(reader.finish())
        reports = np.concatenate([batch.reports for batch in batches])
        return reports, np.concatenate([batch.events for batch in batches]), reader

    return read
