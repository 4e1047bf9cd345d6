"""What applications say as an Arrow table: what a file of the event archive holds.

Columns are those of `citywall.batches.EVENT`, whose kinds give them their meaning; text in its three pieces,
addresses as text for people and as 16 bytes for prefixes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.flowtable import PROTOCOLS, keys, named, numbers, of_one_length, texts, times
from citywall.batches import EVENT_NAMES, TEXT, TLS_CLIENT, TLS_SERVER, TLS_WHOLE_CLIENT

#: Names of kinds, each at its number.
KINDS = [EVENT_NAMES.get(n, f"kind_{n}") for n in range(max(EVENT_NAMES) + 1)]
_PLAIN = (
    "src_port", "dst_port", "domain", "vlan", "code", "type", "count", "aux", "number", "answers",
    "flags", "size", "offset", "frame",
)  # fmt: skip
#: Kinds whose `answer` is a fingerprint (JA3, JA3S), not an address.
PRINTED = (TLS_CLIENT, TLS_SERVER, TLS_WHOLE_CLIENT)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def table(events: NDArray[Any], first: int, community_ids: NDArray[np.bytes_]) -> pa.Table:
    """EVENT rows as a table, in order; the first is numbered `first` in its session."""
    answers, prints = _answers(events)
    columns: dict[str, Any] = {
        "time": times(events["time"]),
        "event_id": numbers(np.arange(first, first + len(events), dtype=np.uint64)),
        "kind": named(np.minimum(events["kind"], len(KINDS) - 1), KINDS),
        "src": texts(events["src_hi"], events["src_lo"]),
        "dst": texts(events["dst_hi"], events["dst_lo"]),
        "src_address": keys(events["src_hi"], events["src_lo"]),
        "dst_address": keys(events["dst_hi"], events["dst_lo"]),
        "proto": named(events["proto"], PROTOCOLS),
        **_pieces(events),
        "answer": answers,
        "answer_address": keys(events["answer_hi"], events["answer_lo"]),
        "print": prints,
        "community_id": of_one_length(community_ids),
    }
    columns |= {name: numbers(events[name]) for name in _PLAIN}
    arrays = list(columns.values())
    fields = [pa.field(n, a.type, nullable=False) for n, a in zip(columns, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _pieces(events: NDArray[Any]) -> dict[str, Any]:
    """The three pieces of text, without a copy of each by itself."""
    raw = events["text"]
    sizes = np.stack([events[f"{name}_size"] for name in ("name", "rest", "agent")]).astype(np.int64)
    ends = np.minimum(np.cumsum(sizes, axis=0), TEXT)
    begins = np.concatenate([np.zeros((1, len(events)), np.int64), ends[:-1]])
    places = np.arange(TEXT)
    found = {}
    for name, begin, end in zip(("name", "rest", "agent"), begins, ends, strict=True):
        inside = (places >= begin[:, None]) & (places < end[:, None])
        found[name] = _strings(raw[inside], end - begin)
    return found


def _strings(data: NDArray[np.uint8], sizes: NDArray[np.int64]) -> Any:
    """Texts that lie one behind another. They are ASCII: whatever else came was replaced when it was read."""
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return pa.StringArray.from_buffers(
        len(sizes), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))
    )


def _answers(events: NDArray[Any]) -> tuple[Any, Any]:
    """Addresses told, and fingerprints: texts, empty where there is none."""
    high, low = events["answer_hi"], events["answer_lo"]
    there = (high != 0) | (low != 0)
    printed = np.isin(events["kind"], PRINTED)
    some = there & ~printed
    told = texts(np.ascontiguousarray(high[some]), np.ascontiguousarray(low[some]))
    sizes = np.zeros(len(events), np.int64)
    sizes[some] = np.diff(np.frombuffer(told.buffers()[1], np.int32)[: len(told) + 1])
    data = np.frombuffer(told.buffers()[2], np.uint8) if len(told) else np.zeros(0, np.uint8)
    answers = _strings(data, sizes)
    some = there & printed
    words = np.empty((int(some.sum()), 2), ">u8")
    words[:, 0], words[:, 1] = high[some], low[some]
    octets = words.view(np.uint8).reshape(-1, 16)
    digits = np.stack([_HEX[octets >> 4], _HEX[octets & 15]], axis=2)
    return answers, _strings(digits.reshape(-1), np.where(some, 32, 0))
