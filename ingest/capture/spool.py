"""Compressed captures are inflated to a spool file, so that they can be mapped like any other.

The spool file has no name once it is open: it goes when its last reader closes it, crash or no crash.
"""

from __future__ import annotations

import shutil
import tempfile
import zlib
from pathlib import Path
from typing import IO, Any

import zstandard

from citywall.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: Least free bytes left on the disk of the spool file.
SPARE_BYTES = 1 << 30
_SKIPPABLE = b"\x2a\x4d\x18"
_READ = 1 << 20
_SIP = 2048
_WINDOW = 1 << 27  # a zstd frame may not make us hold more than 128 MiB


def is_compressed(head: bytes) -> bool:
    """True for the first bytes of a gzip or zstd file."""
    return _begins(head, gzip=True) or (len(head) >= 4 and _begins(head, gzip=False))


def spool_limit(folder: Path | None) -> int:
    """Bytes that a spool file may take: what the disk has free, less SPARE_BYTES."""
    return max(0, shutil.disk_usage(folder or tempfile.gettempdir()).free - SPARE_BYTES)


def inflate(
    path: Path, folder: Path | None = None, limit: int | None = None
) -> tuple[IO[bytes], dict[str, int]]:
    """Inflate `path` (gzip members or zstd frames) to an unnamed file in `folder`: (file, errors by name).

    A stream cut short or corrupt, or longer than `limit` bytes (default: what `spool_limit` says), gives what
    came before, counted. Raises InputError where nothing can be written.
    """
    limit = spool_limit(folder) if limit is None else limit
    try:
        spool = tempfile.TemporaryFile(prefix="citywall-", dir=folder)  # noqa: SIM115 (the caller closes it)
    except OSError as e:
        raise InputError(str(path), f"no spool file for the inflated capture: {e.strerror}") from e
    try:
        with path.open("rb") as source:
            error = _pump(source, spool, limit)
        spool.flush()
    except OSError as e:
        spool.close()
        raise InputError(str(path), f"the capture could not be inflated: {e.strerror or e}") from e
    return spool, {error: 1} if error else {}


def _pump(source: IO[bytes], spool: IO[bytes], limit: int) -> str | None:
    """Inflate `source` into `spool`; the name of what stopped it early, or None."""
    room = limit
    data = source.read(_READ)
    gzip = data.startswith(GZIP_MAGIC)
    while _begins(data, gzip):
        stream = _open(gzip)
        while not stream.eof:
            try:
                out, data = _step(stream, data, gzip)
            except (zlib.error, zstandard.ZstdError):
                return "compressed_stream_corrupt"
            room -= spool.write(out[:room])
            if room == 0 and out:
                return "spool_limit_reached"
            if not data and not out and not stream.eof:
                data = source.read(_READ)
                if not data:
                    return "compressed_stream_truncated"
        data = stream.unused_data + data
        if len(data) < 4:
            data += source.read(_READ)
    # Members may be padded with zeros; anything else behind them is not ours to read.
    return "compressed_stream_corrupt" if data.strip(b"\0") else None


def _begins(data: bytes, gzip: bool) -> bool:
    """True where a gzip member, or a zstd frame (skippable ones too), begins."""
    if gzip:
        return data.startswith(GZIP_MAGIC)
    return data.startswith(ZSTD_MAGIC) or (data[1:4] == _SKIPPABLE and data[0] >> 4 == 5)


def _open(gzip: bool) -> Any:
    if gzip:
        return zlib.decompressobj(wbits=31)
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()


def _step(stream: Any, data: bytes, gzip: bool) -> tuple[bytes, bytes]:
    """Inflate some of `data`: (output of bounded size, what is left of `data`)."""
    if gzip:
        return stream.decompress(data, _READ), stream.unconsumed_tail
    # zstd gives all that the input holds at once: feed little, so that a bomb grows by little.
    return stream.decompress(data[:_SIP]), data[_SIP:]
