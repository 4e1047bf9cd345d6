"""Flow-log files: found in folders, inflated, cut into chunks at line ends."""

from __future__ import annotations

import hashlib
import os
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

import msgspec
import zstandard

from citywall.errors import InputError, UnsupportedInput
from citywall.watermarks import END_OF_TIME
from ingest.flowlogs.lines import KEPT_PLACES, MAX_LINE
from ingest.flowlogs.parser import Parser

#: What is read to tell a format.
HEAD_BYTES = 1 << 16
#: A compressed log may not inflate to more than this.
MAX_INFLATED = 64 << 30
_PIECE = 1 << 20
#: Logs that are kept open.
_OPEN = 64
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"


class ChunkRef(msgspec.Struct, frozen=True):
    """A run of whole lines of a log file, with all that is needed to parse it alone.

    `offset` and `length` count bytes of the inflated text; `first_line` counts from 1; `digest` is of
    the bytes. `errors` are what the cutting itself found before this chunk, with first line numbers.
    `folder`: other logs of the same session may say more about what it tells; which of them this one is
    (`log`), whether nothing of it follows (`last`), and the time (ns) before which none speaks that was not
    read of yet (`ahead`).
    """

    session: str
    path: str
    parser: str
    index: int
    offset: int
    length: int
    first_line: int
    header: str
    digest: str
    errors: dict[str, int] = {}
    places: dict[str, list[int]] = {}
    folder: bool = False
    log: int = 0
    last: bool = False
    ahead: int = END_OF_TIME


@dataclass(frozen=True)
class Located:
    """Logs that PATH stands for, by rank where they tell of one time, and files that are not read."""

    logs: tuple[Path, ...]
    skipped: tuple[Path, ...]


def locate(path: Path) -> Located:
    """A file is itself; a Zeek folder is its logs (`conn.log`, `dns.*.log`, compressed or not).

    Connections come first, then certificates: one that is known need not be waited for.

    Raises InputError where the path cannot be read, UnsupportedInput for a folder without a log.
    """
    if not path.is_dir():
        return Located((path,), ())
    try:
        files = sorted(entry for entry in path.iterdir() if entry.is_file())
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    logs = tuple(sorted((file for file in files if _is_log_name(file.name)), key=_turn))
    if not logs:
        raise UnsupportedInput(str(path), "is a folder without a Zeek log")
    return Located(logs, tuple(file for file in files if file not in logs))


def _is_log_name(name: str) -> bool:
    for suffix in (".gz", ".zst"):
        name = name.removesuffix(suffix)
    return name.endswith(".log")


def _turn(file: Path) -> tuple[int, str]:
    return {"conn": 0, "x509": 1}.get(file.name.split(".")[0], 2), file.name


class LogFile:
    """A flow log opened for reading: `size` bytes of text, whatever the file's compression.

    `cut_short` is true when the compressed file ended early; what could be inflated is there.
    """

    def __init__(self, path: Path, text: IO[bytes], size: int, cut_short: bool) -> None:
        self.path = path
        self.size = size
        self.cut_short = cut_short
        self._text = text
        weakref.finalize(self, text.close)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes at `offset`."""
        return os.pread(self._text.fileno(), length, offset)


def open_log(path: Path) -> LogFile:
    """Open a log, inflating gzip and zstd into a temporary file; raises InputError.

    The last logs opened are kept, as many as are read together, so that reading chunk by chunk does not
    inflate again.
    """
    try:
        facts = path.stat()
        return _opened(path, facts.st_size, facts.st_mtime_ns)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e


@lru_cache(maxsize=_OPEN)
def _opened(path: Path, size: int, _modified: int) -> LogFile:
    raw = path.open("rb")
    magic = os.pread(raw.fileno(), 4, 0)
    if not (magic.startswith(_GZIP) or magic == _ZSTD):
        return LogFile(path, raw, size, cut_short=False)
    spool = tempfile.TemporaryFile(prefix="citywall-flowlog-")  # noqa: SIM115  (held by the LogFile)
    try:
        with raw:
            cut_short = _inflate(path, raw, spool, _Zstd if magic == _ZSTD else _Gzip)
        spool.flush()
    except BaseException:
        spool.close()
        raise
    return LogFile(path, spool, spool.tell(), cut_short)


class _Gzip:
    """One member of a gzip file; `eof` at its end, the bytes behind it in `unused_data`."""

    piece = 1 << 18

    def __init__(self) -> None:
        self._state = zlib.decompressobj(31)

    def inflate(self, data: bytes) -> Iterator[bytes]:
        while data and not self.eof:
            yield self._state.decompress(data, _PIECE)
            data = self._state.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._state.eof

    @property
    def unused_data(self) -> bytes:
        return self._state.unused_data.lstrip(b"\0")  # members may be padded


class _Zstd:
    """One frame of a zstd file. Pieces are small: a byte may stand for 32 KiB."""

    piece = 1 << 10

    def __init__(self) -> None:
        self._state = zstandard.ZstdDecompressor().decompressobj()

    def inflate(self, data: bytes) -> Iterator[bytes]:
        yield self._state.decompress(data)

    @property
    def eof(self) -> bool:
        return self._state.eof

    @property
    def unused_data(self) -> bytes:
        return self._state.unused_data


def _inflate(path: Path, raw: IO[bytes], spool: IO[bytes], kind: type[_Gzip | _Zstd]) -> bool:
    """Inflate into `spool` what can be; True where the input broke off."""
    state = kind()
    try:
        while data := raw.read(kind.piece):
            while data:
                if state.eof:
                    state = kind()
                for piece in state.inflate(data):
                    if spool.tell() + len(piece) > MAX_INFLATED:
                        raise InputError(str(path), f"inflates to more than {MAX_INFLATED >> 20} MiB")
                    spool.write(piece)
                data = state.unused_data if state.eof else b""
    except (zlib.error, zstandard.ZstdError) as e:
        if spool.tell() == 0:
            raise InputError(str(path), f"cannot be inflated: {e}") from e
        return True
    if spool.tell() == 0 and not state.eof:
        raise InputError(str(path), "cannot be inflated: it is cut short")
    return not state.eof


def head_of(path: Path) -> bytes:
    """The first HEAD_BYTES of the text without a byte order mark; raises InputError."""
    return open_log(path).read(0, HEAD_BYTES).removeprefix(_BOM)


@dataclass
class _Cutter:
    """State of cutting one file."""

    log: LogFile
    parser: Parser
    session: str
    index: int
    offset: int = 0
    line: int = 1
    header: str = ""

    def chunk(self, chunk_bytes: int) -> ChunkRef | None:
        """The next chunk, or None at the end; long lines between chunks are left out and counted."""
        skipped: list[int] = []
        while True:
            if self.offset >= self.log.size:
                return self._ref(b"", skipped) if skipped else None
            data = self._whole_lines(chunk_bytes)
            if data:
                return self._ref(data, skipped)
            self._skip_line()
            skipped.append(self.line)
            self.line += 1

    def _whole_lines(self, chunk_bytes: int) -> bytes:
        """About `chunk_bytes` up to a line end; nothing when the very first line is too long."""
        data = self.log.read(self.offset, chunk_bytes)
        while True:
            end = data.rfind(b"\n") + 1
            if end and len(data) >= chunk_bytes:
                return data[:end]
            if self.offset + len(data) >= self.log.size:
                return data if len(data) - end <= MAX_LINE else data[:end]
            if len(data) - end > MAX_LINE:
                return data[:end]
            more = self.log.read(self.offset + len(data), _PIECE)
            if not more:
                return data
            data += more

    def _skip_line(self) -> None:
        while self.offset < self.log.size:
            piece = self.log.read(self.offset, _PIECE)
            at = piece.find(b"\n")
            self.offset += at + 1 if at >= 0 else max(len(piece), 1)
            if at >= 0:
                return

    def _ref(self, data: bytes, skipped: list[int]) -> ChunkRef:
        places = {"line_too_long": skipped} if skipped else {}
        if self.log.cut_short and self.offset + len(data) >= self.log.size:
            places["compressed_data_cut_short"] = [self.line + data.count(b"\n")]
        ref = ChunkRef(
            self.session, str(self.log.path), self.parser.name, self.index, self.offset, len(data),
            self.line, self.header, digest_of(data),
            {reason: len(lines) for reason, lines in places.items()},
            {reason: lines[:KEPT_PLACES] for reason, lines in places.items()},
        )  # fmt: skip
        self.index += 1
        self.offset += len(data)
        self.line += data.count(b"\n")
        self.header = self.parser.header(data, self.header)
        return ref


def digest_of(data: bytes) -> str:
    """Digest of a chunk's bytes."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def cut_chunks(
    path: Path, parser: Parser, chunk_bytes: int, session: str, index: int = 0
) -> Iterator[ChunkRef]:
    """References to the whole text of the file `path` in order, numbered from `index`; raises InputError."""
    log = open_log(path)
    start = len(_BOM) if log.read(0, len(_BOM)) == _BOM else 0
    cutter = _Cutter(log, parser, session, index, start, header=parser.initial)
    while (ref := cutter.chunk(chunk_bytes)) is not None:
        yield ref


def read_chunk(ref: ChunkRef) -> bytes:
    """The bytes of a chunk; raises InputError where the file changed since it was cut."""
    data = open_log(Path(ref.path)).read(ref.offset, ref.length)
    if len(data) != ref.length or digest_of(data) != ref.digest:
        raise InputError(ref.path, "changed while it was read", offset=ref.offset)
    return data
