"""Cuts out of captures what an alert is about: packets of its hosts, in its time."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts import times
from citywall.addresses import to_words
from citywall.errors import InputError

#: Bytes of packets of one capture that a slice has at most.
MAX_BYTES = 256 << 20
#: What the path of packets of an interface of this machine begins with.
INTERFACE = "interface:"
_BATCH = 4096
_BLOCK = 8 << 20
_SECOND = 1_000_000_000
_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_NANOSECOND_MAGIC = 0xA1B23C4D
_SNAPLEN = 262_144


@dataclass(frozen=True)
class Span:
    """What belongs to an alert: from `since` to before `until` (ns), of and to its hosts.

    A packet belongs to it if one of `sources` and one of `targets` are its ends; an empty side is anybody.
    `paths`: the captures it was seen in.
    """

    since: int
    until: int
    sources: frozenset[str]
    targets: frozenset[str]
    paths: tuple[str, ...]


def span_of(document: dict[str, Any], margin_s: int) -> Span:
    """The span of an alert's document: its event's time, and the hosts and captures of its evidence."""
    event, own = document["event"], document.get("citywall", {})
    evidence = own.get("evidence", [])
    seen = [times.from_iso(e["time"]) for e in evidence if "time" in e]
    since = min([times.from_iso(event["start"]), *seen]) - margin_s * _SECOND
    until = max([times.from_iso(event["end"]), *seen]) + margin_s * _SECOND + 1
    sources = _hosts(document, "source", "sources")
    targets = _hosts(document, "destination", "targets")
    paths = tuple(dict.fromkeys(e["path"] for e in evidence if e.get("path")))
    return Span(since, until, sources, targets, paths)


def query_of(span: Span) -> str:
    """The span's flows in the language of the flow archive; times are bounds beside it."""
    sides = [sorted(hosts) for hosts in (span.sources, span.targets) if hosts]
    return " AND ".join("(" + " OR ".join(f'ip:"{host}"' for host in hosts) + ")" for hosts in sides)


def captures(path: str, data: Path, span: Span) -> list[Path]:
    """The files that an evidence's path stands for: itself, or those kept of an interface's packets.

    Raises InputError where nothing was kept.
    """
    if not path.startswith(INTERFACE):
        return [Path(path)]
    from ingest.live.segments import between

    found = between(data / "packets" / path.removeprefix(INTERFACE), span.since, span.until)
    if not found:
        raise InputError(path, "no packets of that time are kept")
    return found


def joined(paths: Sequence[Path], span: Span) -> Iterator[bytes]:
    """As `packets`, of several captures one after another, as one. Raises InputError."""
    for at, path in enumerate(paths):
        pieces = packets(path, span)
        head = next(pieces, None)
        if head is not None and not at:
            yield head
        yield from pieces


def packets(path: Path, span: Span) -> Iterator[bytes]:
    """A capture of the packets of a span, piece by piece: pcap with nanoseconds, frames as they were.

    Raises InputError where the capture cannot be read, or has packets of several link types.
    """
    import numpy as np

    from ingest.capture import open_capture
    from ingest.decode import decode_block

    left = MAX_BYTES
    link: int | None = None
    with open_capture(path) as capture:
        for ref in capture.blocks(_BLOCK):
            links = {interface.link for interface in ref.section.interfaces}
            if len(links) > 1 or (link is not None and links and links != {link}):
                raise InputError(str(path), "has packets of several link types: no one capture can hold them")
            if link is None and links:
                (link,) = links
                yield _FILE.pack(_NANOSECOND_MAGIC, 2, 4, 0, 0, _SNAPLEN, link)
            for rows in decode_block(ref, capture.buffer, _BATCH):
                for row in rows[_wanted(rows, span)]:
                    length = int(row["captured"])
                    left -= length
                    if left < 0:
                        return
                    start, time = int(row["offset"]), int(row["time"])
                    head = _RECORD.pack(time // _SECOND, time % _SECOND, length, int(row["wire"]))
                    yield head + np.asarray(capture.buffer[start : start + length]).tobytes()


def _wanted(rows: Any, span: Span) -> Any:
    keep = (rows["time"] >= times.bounded(span.since)) & (rows["time"] < times.bounded(span.until))
    for hosts in (span.sources, span.targets):
        if hosts:
            keep &= _among(rows, "a", hosts) | _among(rows, "b", hosts)
    return keep


def _among(rows: Any, side: str, hosts: frozenset[str]) -> Any:
    import numpy as np

    found = np.zeros(len(rows), np.bool_)
    for host in hosts:
        hi, lo = to_words(host)
        found |= (rows[f"{side}_hi"] == np.uint64(hi)) & (rows[f"{side}_lo"] == np.uint64(lo))
    return found


def _hosts(document: dict[str, Any], side: str, several: str) -> frozenset[str]:
    """The hosts of one side: the alert's own, or those of its sample where the alert has them all."""
    if ip := document.get(side, {}).get("ip"):
        return frozenset({str(ip)})
    counted = document.get("citywall", {}).get(several, {})
    sample = frozenset(map(str, counted.get("sample", ())))
    if counted.get("count", 0) == len(sample):
        return sample
    return frozenset()
