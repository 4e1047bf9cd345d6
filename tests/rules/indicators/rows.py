"""Rows of flows and events made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_words
from citywall.batches import EVENT, FLOW, TCP, UDP


def flow(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, "proto": TCP, "frame": 1, **more}


def flows(*given: dict[str, Any]) -> NDArray[np.void]:
    rows = np.zeros(len(given), FLOW)
    for i, one in enumerate(given):
        fields = dict(one)
        rows["src_hi"][i], rows["src_lo"][i] = to_words(fields.pop("source"))
        rows["dst_hi"][i], rows["dst_lo"][i] = to_words(fields.pop("target"))
        for name, value in fields.items():
            rows[name][i] = value
    return rows


def events(*given: tuple[int, list[bytes], dict[str, Any]]) -> NDArray[np.void]:
    """(kind, texts, fields) of each."""
    rows = np.zeros(len(given), EVENT)
    rows["proto"], rows["frame"] = UDP, 1
    for i, (kind, texts, more) in enumerate(given):
        fields = {"source": "10.0.0.5", "target": "203.0.113.53", **more}
        rows["kind"][i] = kind
        for side in ("source", "target", "answer"):
            if side in fields:
                name = {"source": "src", "target": "dst", "answer": "answer"}[side]
                rows[f"{name}_hi"][i], rows[f"{name}_lo"][i] = to_words(fields.pop(side))
        at = 0
        for name, text in zip(("name_size", "rest_size", "agent_size"), texts, strict=False):
            rows[name][i] = len(text)
            rows["text"][i, at : at + len(text)] = np.frombuffer(text, np.uint8)
            at += len(text)
        for name, value in fields.items():
            rows[name][i] = value
    return rows
