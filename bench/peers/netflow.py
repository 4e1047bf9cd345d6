"""`netflow`, the parser of NetFlow and IPFIX on PyPI."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import metadata

OBTAIN = "pip install netflow"


def version() -> str | None:
    """Its version, None where it is not installed."""
    try:
        return metadata.version("netflow")
    except metadata.PackageNotFoundError:
        return None


def read(payloads: Sequence[bytes]) -> tuple[int, float]:
    """Records parsed; processor seconds."""
    from netflow import parse_packet

    templates: dict[str, dict[int, object]] = {"netflow": {}, "ipfix": {}}
    began, records = time.process_time(), 0
    for payload in payloads:
        records += len(parse_packet(payload, templates).flows)
    return records, time.process_time() - began
