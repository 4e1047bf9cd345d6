"""Flow exports as a flow log: recognised, cut into references, read into flows of both directions."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import zstandard

from citywall.batches import PACKET
from citywall.errors import InputError, UnsupportedInput
from citywall.scratch import Scratch
from citywall.state import Parts, bytes_of
from ingest.capture import headers
from ingest.capture.files import CaptureFile, open_capture
from ingest.collectors import kernels as k
from ingest.collectors import pairing
from ingest.collectors.datagrams import REASONS, Datagrams, bare, of_block, split_file
from ingest.collectors.decoder import Decoder
from ingest.collectors.joined import Joined
from ingest.collectors.placing import kernels as placing
from ingest.collectors.recognising import are_exports
from ingest.decode.blocks import BlockRef
from ingest.decode.counts import DecodeCounts
from ingest.flowlogs.files import ChunkRef, digest_of, open_log
from ingest.flowlogs.lines import Errors
from ingest.flowlogs.rows import Logged

#: How references name what they are of: datagrams in a capture, or bare in a file.
CAPTURED, BARE = "exports-captured", "exports"
KINDS = (CAPTURED, BARE)
#: Bytes of a capture that travel as one chunk.
CHUNK_BYTES = 1 << 20
#: Bytes of a file of bare datagrams.
_LARGEST_FILE = 1 << 30


class Exports:
    """Stands in for a parser: what `registry.sniff` gives for exports."""

    def __init__(self, name: str) -> None:
        self.name = name


def sniff(path: Path) -> Exports | None:
    """What of `KINDS` a file is, None where it is neither; raises InputError."""
    if path.is_dir():
        return None
    head = _head(path)
    try:
        headers.sniff(str(path), head)
    except UnsupportedInput:
        return Exports(BARE) if _begins_bare(head) and _is_bare(path) else None
    try:
        capture = open_capture(path)
    except UnsupportedInput:
        return None
    with capture:
        return Exports(CAPTURED) if are_exports(capture) else None


def _head(path: Path) -> bytes:
    """The first few bytes, inflated; empty where there are none or they cannot be."""
    try:
        with path.open("rb") as source:
            raw = source.read(1 << 12)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    try:
        if raw.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(raw, 64)
        if raw.startswith(b"\x28\xb5\x2f\xfd"):
            return zstandard.ZstdDecompressor().decompressobj().decompress(raw)[:64]
    except (zlib.error, zstandard.ZstdError):
        return b""
    return raw[:64]


def _begins_bare(head: bytes) -> bool:
    return head[:2] in {b"\0\x05", b"\0\x09", b"\0\x0a"} or head[:8] in _SFLOW


def _is_bare(path: Path) -> bool:
    """Whether a file is bare datagrams; raises UnsupportedInput where it begins like one that is broken."""
    raw = open_log(path).read(0, 65_535)
    datagrams = bare(split_file(raw)[:1])
    heads = np.zeros(1, k.HEAD)
    sets = np.empty(len(datagrams.buffer) // 4 + 1, k.SET)
    k.walk(datagrams.buffer, datagrams.starts, datagrams.ends, heads, sets)
    if heads["reason"][0] != k.NONE:
        reason = REASONS[heads["reason"][0]]
        raise UnsupportedInput(str(path), f"begins like a flow export, but is none: {reason}", offset=0)
    return True


#: How an sFlow datagram begins: version 5, an agent with an address of either family.
_SFLOW = (b"\0\0\0\5\0\0\0\1", b"\0\0\0\5\0\0\0\2")


def chunks(path: Path, kind: Exports, session: str, chunk_bytes: int = CHUNK_BYTES) -> Iterator[ChunkRef]:
    """References to the datagrams of a file in order; raises InputError."""
    if kind.name == CAPTURED:
        with open_capture(path) as capture:
            for ref in capture.blocks(chunk_bytes, session=session):
                yield of_capture(ref)
        return
    log = open_log(path)
    if log.size > _LARGEST_FILE:
        raise InputError(str(path), f"holds more than {_LARGEST_FILE >> 20} MiB of bare datagrams")
    raw = log.read(0, log.size)
    at = index = line = 0
    group: list[bytes] = []
    for message in [*split_file(raw), b""]:
        if group and (not message or sum(map(len, group)) + len(message) > chunk_bytes):
            data = b"".join(group)
            yield ChunkRef(
                session, str(path), BARE, index, at, len(data), line + 1, "", digest_of(data)
            )  # fmt: skip
            at, index, line, group = at + len(data), index + 1, line + len(group), []
        group.append(message)


def of_capture(ref: BlockRef) -> ChunkRef:
    """A block of a capture as the reference of a flow log."""
    header = msgspec.json.encode(ref, enc_hook=int).decode()  # plain Python kernels give NumPy's integers
    return ChunkRef(
        ref.session,
        ref.path,
        CAPTURED,
        ref.index,
        ref.offset,
        ref.length,
        ref.first_frame,
        header,
        str(ref.digest),
    )


class _Saved(msgspec.Struct):
    decoder: bytes
    record: int
    flow: int


class ExportReader:
    """Reads references of exports in order: what they say of flows, both directions together.

    `notes` counts what is worth knowing and no error: exports lost, exporters begun anew.
    """

    def __init__(self) -> None:
        self.notes: dict[str, int] = {}
        self._decoder = Decoder()
        self._pairing = pairing.Pairing()
        self._joined = Joined(self._pairing)
        self._record = self._flow = 1
        self._packets = Scratch(PACKET)
        self._open: tuple[str, CaptureFile] | None = None

    @property
    def records(self) -> int:
        """Records of flows read so far."""
        return self._record - 1

    def add(self, ref: ChunkRef, data: bytes | None = None) -> tuple[Logged, Errors]:
        """Take the next reference; raises InputError where its file changed.

        The flows hold until the next call.
        """
        errors = Errors()
        self._joined.begin()
        for datagrams in self._datagrams(ref, data, errors):
            self._take(datagrams, errors)
        return self._told(), errors

    def take(self, datagrams: Datagrams, errors: Errors) -> Logged:
        """Datagrams in; flows that are whole, or have waited for long enough, out.

        They hold until the next call.
        """
        self._joined.begin()
        self._take(datagrams, errors)
        return self._told()

    def _take(self, datagrams: Datagrams, errors: Errors) -> None:
        before = self._joined.records
        decoded = self._decoder.decode(datagrams, self._joined)
        if len(decoded.records):
            self._joined.add(self._pairing.add_of(decoded.records, decoded.clocks))
        self._record += self._joined.records - before + len(decoded.records)
        errors.merge(decoded.errors)
        for name, n in decoded.notes.items():
            self.notes[name] = self.notes.get(name, 0) + n

    def _told(self) -> Logged:
        """As the columns of a flow log; the line is the flow's number in the order they are given out."""
        told = self._joined.logged(self._flow)
        self._flow += len(told.line)
        return told

    def finish(self) -> Logged:
        """The end: flows that wait for their other direction."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        self._joined.begin()
        self._joined.add(self._pairing.finish())
        return self._told()

    def _datagrams(self, ref: ChunkRef, data: bytes | None, errors: Errors) -> Iterator[Datagrams]:
        if ref.parser == BARE:
            if data is None:
                data = open_log(Path(ref.path)).read(ref.offset, ref.length)
                if digest_of(data) != ref.digest:
                    raise InputError(ref.path, "changed while it was read", offset=ref.offset)
            yield bare(split_file(data))
            return
        block = msgspec.json.decode(ref.header, type=BlockRef)
        end = block.offset + block.length
        if self._open is None or self._open[0] != ref.path or end > self._open[1].size:  # it may have grown
            if self._open is not None:
                self._open[1].close()
            self._open = (ref.path, open_capture(Path(ref.path)))
        counts = DecodeCounts()
        yield from of_block(block, self._open[1].buffer, counts, self._packets)
        for reason, n in counts.errors.items():
            errors.counts[reason] = errors.counts.get(reason, 0) + n

    def snapshot(self) -> Parts:
        """All that is kept."""
        saved = _Saved(self._decoder.snapshot(), self._record, self._flow)
        parts: Parts = {"exports": msgspec.msgpack.encode(saved)}
        return parts | {f"exports.{name}": part for name, part in self._pairing.snapshot().items()}

    def restore(self, parts: Parts) -> None:
        """Go on where `snapshot` was; raises ValueError on parts of another shape."""
        saved = msgspec.msgpack.decode(bytes_of(parts, "exports"), type=_Saved)
        self._decoder.restore(saved.decoder)
        self._record, self._flow = saved.record, saved.flow
        self._pairing.restore(
            {
                name.removeprefix("exports."): part
                for name, part in parts.items()
                if name.startswith("exports.")
            }
        )


def compile_exports(export: bytes) -> None:
    """Compile the kernels that few exports need, by reading a datagram of NetFlow v5 the slow way."""
    n, words = np.zeros(0, np.int64), np.zeros(0, np.uint64)
    placing.exported(np.zeros(0, PACKET), n, n.copy(), words, words.copy(), n.copy())
    decoded = Decoder().decode(bare([export]))
    pairing.Pairing().add_of(decoded.records, decoded.clocks)
