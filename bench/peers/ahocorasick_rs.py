"""Literal matching by the Rust Aho-Corasick automaton of PyPI's `ahocorasick-rs`, over the same bytes."""

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

from bench.ours.signatures import least, literals_of, payloads_of

OBTAIN = "pip install ahocorasick-rs"
_AT_ONCE = 1 << 20


def version() -> str | None:
    """Its version, None where it is not installed."""
    try:
        return metadata.version("ahocorasick-rs")
    except metadata.PackageNotFoundError:
        return None


def report(capture: str, rules: str) -> dict[str, Any]:
    """Seconds for the payloads of a capture, blocks of 1 MiB, folded beforehand since it knows case."""
    import ahocorasick_rs

    patterns, data = literals_of(rules), payloads_of(capture)
    began = time.process_time()
    automaton = ahocorasick_rs.BytesAhoCorasick(patterns)
    compiled = time.process_time() - began
    folded = data.lower()
    blocks = [folded[at : at + _AT_ONCE] for at in range(0, len(folded), _AT_ONCE)]
    told = 0

    def scan() -> None:
        nonlocal told
        told = sum(len(automaton.find_matches_as_indexes(block, overlapping=True)) for block in blocks)

    cost = least(scan)
    return {"seconds": cost, "bytes": len(data), "literals": len(patterns), "compile": compiled, "told": told}
