"""Capture files, mapped: opened, recognised, and cut into blocks."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from citywall.errors import InputError
from citywall.settings import CaptureSettings
from ingest.capture import headers, spool
from ingest.capture.mapping import Mapping
from ingest.capture.walking import Walk
from ingest.decode.blocks import BlockRef, Section

_HEAD = 64


class CaptureFile(Mapping):
    """A pcap or pcapng file, mapped read-only; a compressed one through its inflated spool file.

    `path`: as given. `size`: bytes of the capture (inflated). `buffer`: those bytes, u1[size], read-only.
    `format`: "pcap" or "pcapng". `errors`: what opening it met, by name. A file that is cut shorter by
    someone else while it is mapped kills the process (SIGBUS), as with every mapped file; one that grows or
    is replaced by renaming does no harm.
    """

    def __init__(self, path: Path, source: IO[bytes], errors: dict[str, int]) -> None:
        self.path = path
        self.errors = errors
        self.size = os.fstat(source.fileno()).st_size
        if self.size == 0:
            raise InputError(str(path), "the file is empty" if not errors else _NOTHING_INFLATED, offset=0)
        super().__init__(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ))
        if hasattr(mmap, "MADV_SEQUENTIAL"):
            self._map.madvise(mmap.MADV_SEQUENTIAL)
        head = self._map[:_HEAD]
        self.format = headers.sniff(str(path), head)
        if self.format == "pcap":
            self._section, self._begin = headers.pcap_section(str(path), head), headers.PCAP_HEADER
        else:
            big = headers.section_order(head)
            if big is None:
                raise InputError(str(path), "the first pcapng section header is malformed", offset=0)
            self._section, self._begin = Section("pcapng", big, ()), 0

    def blocks(
        self,
        block_bytes: int,
        *,
        session: str = "",
        max_record_bytes: int = CaptureSettings().max_record_bytes,
    ) -> Iterator[BlockRef]:
        """Walk the record headers and cut the file into blocks of about `block_bytes`, at record boundaries.

        Corrupt and truncated records are left out, counted in the references, and reading goes on at
        the next plausible record; where a file ends in such errors a last reference without packets
        carries their counts. Memory does not grow with the file.
        """
        walk = Walk(
            self.buffer,
            self._section,
            path=str(self.path),
            session=session,
            max_record=max_record_bytes,
            errors=self.errors,
        )
        return walk.blocks(self._begin, block_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_NOTHING_INFLATED = "nothing could be inflated from the compressed file"


def open_capture(path: Path, spool_folder: Path | None = None, spool_limit: int | None = None) -> CaptureFile:
    """Open and map a pcap or pcapng file, plain or compressed with gzip or zstd.

    Compressed files are inflated to an unnamed temporary file in `spool_folder` (default: the system's) of at
    most `spool_limit` bytes (default: free space less 1 GiB); what could be inflated of a broken stream is
    kept, and counted in `CaptureFile.errors` and the first block. Raises InputError where the file is
    missing, empty, not a regular file or its header is broken; UnsupportedInput where it is no capture.
    """
    try:
        with path.open("rb") as source:
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                raise InputError(str(path), "not a regular file")
            if not spool.is_compressed(source.read(4)):
                return CaptureFile(path, source, {})
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    inflated, errors = spool.inflate(path, spool_folder, spool_limit)
    with inflated:
        return CaptureFile(path, inflated, errors)
