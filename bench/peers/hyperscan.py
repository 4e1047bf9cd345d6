"""Raw literal matching by Vectorscan or Hyperscan (the wheel `hyperscan`), over the same bytes."""

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

from bench.ours.signatures import least, literals_of, payloads_of

OBTAIN = "pip install hyperscan"
#: Bytes scanned by one call: a call from Python is dear.
_AT_ONCE = 1 << 20
_CASELESS, _SINGLE = 1, 8


def version() -> str | None:
    """Its version, None where it is not installed."""
    try:
        return metadata.version("hyperscan")
    except metadata.PackageNotFoundError:
        return None


def report(capture: str, rules: str) -> dict[str, Any]:
    """Seconds for the payloads of a capture, blocks of 1 MiB, letters folded, a literal told once a block."""
    import hyperscan

    patterns, data = literals_of(rules), payloads_of(capture)
    began = time.process_time()
    base = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    # the wheel's literal mode cuts a pattern at a zero byte: every byte as a code
    escaped = [b"".join(b"\\x%02x" % byte for byte in pattern) for pattern in patterns]
    base.compile(
        expressions=escaped, ids=list(range(len(patterns))), elements=len(patterns), flags=_CASELESS | _SINGLE
    )
    compiled = time.process_time() - began
    blocks = [data[at : at + _AT_ONCE] for at in range(0, len(data), _AT_ONCE)]
    told = 0

    def met(*_: object) -> None:
        nonlocal told
        told += 1

    def scan() -> None:
        nonlocal told
        told = 0
        for block in blocks:
            base.scan(block, match_event_handler=met)

    cost = least(scan)
    return {"seconds": cost, "bytes": len(data), "literals": len(patterns), "compile": compiled, "told": told}
