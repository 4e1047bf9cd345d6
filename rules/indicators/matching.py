"""Flows and events in, hits out. Nothing is remembered: which batches rows come in changes nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    DNS_ANSWER,
    DNS_QUERY,
    FILE_SEEN,
    HTTP_REQUEST,
    TLS_CLIENT,
    TLS_SERVER,
    TLS_WHOLE_CERTIFICATE,
    TLS_WHOLE_CLIENT,
)
from rules.indicators import kernels
from rules.indicators.model import ADDRESS, DOMAIN, JA3, JA3S, JA4, MD5, SHA1, SHA256, URL
from rules.indicators.tables import Table

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]
_ROOM = 64
_JA4 = 36
_CLIENT = (TLS_CLIENT, TLS_WHOLE_CLIENT)
_NAMED = (
    (DNS_QUERY, "query"),
    (TLS_CLIENT, "server_name"),
    (TLS_WHOLE_CLIENT, "server_name"),
    (HTTP_REQUEST, "host"),
)
_PRINTED = ((JA3, _CLIENT), (JA3S, (TLS_SERVER,)), (JA4, _CLIENT))
#: Hashes in the third text of events: from where to where.
_HASHED = (
    (SHA256, FILE_SEEN, 0, 64, "file"), (SHA1, FILE_SEEN, 64, 104, "file"),
    (MD5, FILE_SEEN, 104, 136, "file"), (SHA256, TLS_WHOLE_CERTIFICATE, 0, 64, "certificate"),
    (SHA1, TLS_WHOLE_CERTIFICATE, 64, 104, "certificate"),
)  # fmt: skip


class Hit(NamedTuple):
    """A value that a row shows.

    `where` is source, target, answer, query, server_name, host, url, fingerprint, file or certificate.
    """

    row: int
    kind: str
    number: int
    where: str


def in_flows(table: Table, flows: Rows) -> list[Hit]:
    """Addresses in FLOW rows: a flow counts once, at its first report."""
    first = np.flatnonzero(flows["report"] == 0)
    return _ends(table, flows, first, (("src", "source"), ("dst", "target")))


def in_events(table: Table, events: Rows) -> list[Hit]:
    """Names, URLs, answers, fingerprints and hashes in EVENT rows."""
    kinds = events["kind"]
    answers = np.flatnonzero(
        (kinds == DNS_ANSWER) & ((events["answer_lo"] != 0) | (events["answer_hi"] != 0))
    )
    found = _ends(table, events, answers, (("answer", "answer"),))
    raw = events["text"]
    for kind, where in _NAMED:
        rows = np.flatnonzero(kinds == kind)
        if len(rows) and table.knows(DOMAIN):
            found += _names(table, raw, rows, events["name_size"][rows].astype(np.int64), where)
    asked = np.flatnonzero(kinds == HTTP_REQUEST)
    if len(asked) and table.knows(URL):
        found += _urls(table, raw, asked, events)
    return sorted(found + _prints(table, raw, events) + _hashes(table, raw, events))


def _prints(table: Table, raw: NDArray[np.uint8], events: Rows) -> list[Hit]:
    """Fingerprints of hellos: JA3 and JA3S are digests, JA4 is the third text."""
    found: list[Hit] = []
    for kind, event in _PRINTED:
        rows = np.flatnonzero(np.isin(events["kind"], event)) if table.knows(kind) else np.zeros(0, np.int64)
        if kind == JA4:
            rows = rows[events["agent_size"][rows] == _JA4]
            begins = events["name_size"][rows].astype(np.int64) + events["rest_size"][rows]
            octets = raw[rows[:, None], begins[:, None] + np.arange(_JA4)]
        else:
            rows = rows[(events["answer_hi"][rows] != 0) | (events["answer_lo"][rows] != 0)]
            words = np.stack([events["answer_hi"][rows], events["answer_lo"][rows]], axis=1)
            octets = words.astype(">u8").view(np.uint8).reshape(-1, 16)
        if len(rows):
            shown = np.ascontiguousarray(octets).view(f"S{octets.shape[1]}").reshape(-1)
            pairs = table.prints(kind, shown).tolist()
            found += [Hit(int(rows[at]), kind, number, "fingerprint") for at, number in pairs]
    return found


def _hashes(table: Table, raw: NDArray[np.uint8], events: Rows) -> list[Hit]:
    """Files and certificates by their hash."""
    found: list[Hit] = []
    for kind, event, begin, end, where in _HASHED:
        if not table.knows(kind):
            continue
        rows = np.flatnonzero((events["kind"] == event) & (events["agent_size"] >= end))
        if len(rows):
            first = events["name_size"][rows].astype(np.int64) + events["rest_size"][rows] + begin
            octets = raw[rows[:, None], first[:, None] + np.arange(end - begin)]
            shown = np.ascontiguousarray(octets).view(f"S{end - begin}").reshape(-1)
            pairs = table.prints(kind, shown).tolist()
            found += [Hit(int(rows[at]), kind, number, where) for at, number in pairs]
    return found


def _ends(table: Table, rows: Rows, which: Numbers, ends: tuple[tuple[str, str], ...]) -> list[Hit]:
    if not len(which) or not table.knows(ADDRESS):
        return []
    found: list[Hit] = []
    for field, where in ends:
        high, low = (np.ascontiguousarray(rows[f"{field}_{word}"])[which] for word in ("hi", "lo"))
        pairs = table.addresses.find(high, low)
        found += [Hit(int(which[row]), ADDRESS, number, where) for row, number in pairs.tolist()]
    return sorted(found)


def _names(table: Table, raw: NDArray[np.uint8], rows: Numbers, sizes: Numbers, where: str) -> list[Hit]:
    names, out = table.domains, np.empty((max(_ROOM, len(rows)), 2), np.int64)
    with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
        n = kernels.domains(raw, rows, sizes, names.text, names.offsets, names.slots, out)
        if n > len(out):
            out = np.empty((n, 2), np.int64)
            n = kernels.domains(raw, rows, sizes, names.text, names.offsets, names.slots, out)
    return [Hit(row, DOMAIN, number, where) for row, number in out[:n].tolist()]


def _urls(table: Table, raw: NDArray[np.uint8], rows: Numbers, events: Rows) -> list[Hit]:
    names, out = table.urls, np.empty((len(rows), 2), np.int64)
    hosts, targets = (events[f][rows].astype(np.int64) for f in ("name_size", "rest_size"))
    ports = events["dst_port"][rows].astype(np.int64)
    with np.errstate(over="ignore"):
        n = kernels.requests(
            raw, rows, hosts, targets, ports, names.text, names.offsets, names.slots, table.ports,
            np.zeros((1, 512), np.uint8), out,
        )  # fmt: skip
    return [Hit(row, URL, number, "url") for row, number in out[:n].tolist()]
