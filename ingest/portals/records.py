"""Records of probes: lines of JSON, and the EVENT rows that detection reads of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_words
from citywall.batches import EVENT, PORTAL_DRIFT, PORTAL_GRAVE, TCP, TEXT
from citywall.portals import DRIFT_CODES
from ingest.portals.visits import Drift, Known, Record, Visit

#: Shares of the text of a row: the portal, the page, what was seen.
_PORTAL, _URL, _VALUE = 40, 100, TEXT - 140
_MOST_U32 = 0xFFFF_FFFF
_HIDDEN = 50


def record_of(visit: Visit, drifts: Iterable[Drift], known: Known, previous: int) -> Record:
    """A visit as it is written down; `previous` is when the page was visited before, 0 for never."""
    answer, page = visit.answer, visit.answer.page
    return Record(
        visit.portal, visit.url, visit.time, tuple(drifts), previous, known.probes, answer.status,
        answer.error, visit.source, visit.address, visit.port, answer.hops, answer.size,
        page.title if page else "", page.hidden[:_HIDDEN] if page else (), visit.certificate,
    )  # fmt: skip


def line_of(record: Record) -> bytes:
    """A record as one line, the same for the same record."""
    return msgspec.json.encode(record) + b"\n"


def read(line: bytes | str) -> Record:
    """What `line_of` wrote; raises ValueError for anything else."""
    return msgspec.json.decode(line, type=Record)


def rows_of(records: Sequence[Record]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """EVENT rows of the drifts of records, in order, and which record each is of."""
    drifts = [(n, drift) for n, record in enumerate(records) for drift in record.drifts]
    rows = np.zeros(len(drifts), EVENT)
    for i, (n, drift) in enumerate(drifts):
        _fill(rows[i : i + 1], records[n], drift)
    return rows, np.array([n for n, _ in drifts], np.int64)


def _fill(row: NDArray[np.void], record: Record, drift: Drift) -> None:
    pieces = [
        _cut(text, most)
        for text, most in ((record.portal, _PORTAL), (record.url, _URL), (drift.value, _VALUE))
    ]
    text = b"".join(pieces)
    row["kind"], row["time"], row["proto"] = PORTAL_DRIFT, record.visited, TCP
    row["offset"] = row["frame"] = -1
    for side, address in (("src", record.source), ("dst", record.address)):
        row[f"{side}_hi"], row[f"{side}_lo"] = to_words(address or "0.0.0.0")  # noqa: S104  (no way to it)
    row["dst_port"] = record.port
    row["type"] = DRIFT_CODES[drift.kind]
    row["number"], row["size"] = min(drift.measure, _MOST_U32), min(drift.before, _MOST_U32)
    row["flags"] = PORTAL_GRAVE if drift.grave else 0
    row["answers"], row["answer_hi"] = max(drift.began, 0), max(record.previous, 0)
    row["digest"] = _digest(record.portal)
    row["answer_lo"] = _digest(record.portal, record.url, drift.kind, drift.value)
    row["code"], row["count"] = record.status, min(record.learned, 0xFFFF)
    for name, piece in zip(("name_size", "rest_size", "agent_size"), pieces, strict=True):
        row[name] = len(piece)
    row["text"][0, : len(text)] = np.frombuffer(text, np.uint8)


def _cut(text: str, most: int) -> bytes:
    """A text in at most so many bytes of UTF-8, none of its letters cut."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore").encode()


def _digest(*parts: str) -> int:
    return int.from_bytes(
        hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).digest(), "big"
    )


def sound(record: Record) -> str:
    """Why a record of a file cannot be used, as the reasons of flow logs; empty where it can."""
    if (
        not 0 <= record.visited < 1 << 62
        or not 0 <= record.port < 1 << 16
        or not 0 <= record.status < 1 << 16
    ):
        return "bad_number"
    if any(
        not 0 <= n < 1 << 62 for n in (record.previous, record.learned, *(d.began for d in record.drifts))
    ):
        return "bad_number"
    if any(
        d.kind not in DRIFT_CODES or d.kind == "none" or min(d.measure, d.before) < 0 for d in record.drifts
    ):
        return "bad_outcome"
    for address in (record.source, record.address):
        try:
            to_words(address or "::")
        except ValueError:
            return "bad_address"
    return ""
