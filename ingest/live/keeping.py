"""Live packets kept as evidence: a ring of capture files, the oldest of which go.

`<folder>/<first packet, ns>.pcap`, nanoseconds, frames as they were taken. Files are written as blocks come,
so that a process that is killed leaves at most one that ends within a record.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from ingest.decode.blocks import InlineBlock
from ingest.live.rolling import head, shrink

#: Bytes after which a new file is begun.
SEGMENT_BYTES = 32 << 20
_TIME = struct.Struct("<II")
_SUFFIX = ".pcap"


class Keeping:
    """Writes the ring in `folder`, of about `most_bytes`. `add` and `close` raise OSError."""

    def __init__(self, folder: Path, most_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._most = most_bytes
        self._segment_bytes = min(segment_bytes, most_bytes // 4)
        self._out: BinaryIO | None = None
        self._room = 0

    def add(self, block: InlineBlock) -> None:
        """Keep the packets of a block."""
        if not block.data:
            return
        if self._out is None or len(block.data) > self._room:
            self._roll(block)
        assert self._out is not None
        self._out.write(block.data)
        self._out.flush()
        self._room -= len(block.data)

    def _roll(self, block: InlineBlock) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shrink([path for _, path in _segments(self._folder)], self._segment_bytes, self._most)
        seconds, fraction = _TIME.unpack_from(block.data)
        link = block.block.section.interfaces[0].link
        self._out = self._path(seconds * 1_000_000_000 + fraction).open("xb")
        self._out.write(head(link))
        self._room = self._segment_bytes

    def _path(self, first: int) -> Path:
        while (path := self._folder / f"{first:020d}{_SUFFIX}").exists():
            first += 1
        return path

    def close(self) -> None:
        """End the file under way."""
        out, self._out = self._out, None
        if out is not None:
            out.close()


def between(folder: Path, since: int, until: int) -> list[Path]:
    """The files of a ring that may hold packets from `since` to before `until` (ns), oldest first."""
    found = _segments(folder)
    ends = [*(first for first, _ in found[1:]), max(until, since)] if found else []
    # A block's packets are in order, but for what several processors stamped at once.
    slack = 1_000_000_000
    return [
        path
        for (first, path), end in zip(found, ends, strict=True)
        if first - slack < until and end + slack >= since
    ]


def _segments(folder: Path) -> list[tuple[int, Path]]:
    """Files of a ring by their first packet."""
    try:
        names = [path for path in folder.iterdir() if path.suffix == _SUFFIX and path.stem.isdecimal()]
    except FileNotFoundError:
        return []
    return sorted((int(path.stem), path) for path in names)
