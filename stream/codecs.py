"""What travels on the topics: a header, then a body.

A message is a 4-byte little-endian header length, the header as MessagePack, zeros up to a multiple of 16
bytes, and the body: for rows their bytes as they stand in memory (`Header.schema` names every layout of
the version, byte order included), or packed (`stream.packing`) where the transport costs more by the byte;
MessagePack for everything else. As they stand, rows are neither taken apart nor copied to be read: as Arrow
record batches they cost five times as much, and nobody else reads these topics.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import CLOSED, EVENT, FLOW, SCHEMA_VERSION
from citywall.errors import StreamError
from citywall.rows import copy, join
from citywall.sessions import Session
from stream import packing

_LENGTH = struct.Struct("<I")
Rows = NDArray[np.void]
Buffer = bytes | memoryview
#: The body of a message, in one piece or in several that follow each other.
Body = Buffer | tuple[Buffer, ...]
_ALIGN = 16
T = TypeVar("T")


class Kind(IntEnum):
    """What a message says about its session."""

    OPEN = 0  # the session begins; the body is its `Session`
    DATA = 1
    END = 2  # nothing more will come; the body is a `Tally`


class Header(msgspec.Struct, frozen=True, array_like=True):
    """Where a message stands in the stream of its producer.

    `seq` is the ordinal within (session, stage, partition, topic) of the message's first item and `count` how
    many items it carries, so that a replay cut into other messages is still told apart from what is new. No
    later row comes before (`watermark`, `mark`) in the order of (time, flow id). That holds for events of the
    producer too, once the first `beside` of them are here; -1 says nothing of them.
    """

    session: str
    stage: str
    partition: int
    kind: Kind
    seq: int
    count: int
    watermark: int
    schema: str
    mark: int = 0
    beside: int = -1


#: Places kept of each reason.
PLACES = 5


class Tally(msgspec.Struct):
    """What has been counted of a session; each stage adds its part to the end message that passes by."""

    packets: int = 0
    bytes: int = 0
    flows: int = 0
    events: int = 0
    findings: int = 0
    alerts: int = 0
    errors: dict[str, int] = {}  # what could not be read or used, by reason
    notes: dict[str, int] = {}  # what else is worth knowing, by name
    places: dict[str, list[int]] = {}  # the first few, by reason: byte offsets of a capture, lines of a log

    def count(self, errors: Mapping[str, int]) -> None:
        """Add to the errors by reason."""
        _count(self.errors, errors)

    def note(self, notes: Mapping[str, int]) -> None:
        """Add to the notes; zeros are left out."""
        _count(self.notes, notes)

    def place(self, reason: str, places: Iterable[int]) -> None:
        """Keep where something could not be read, the first few of each reason."""
        kept = self.places.setdefault(reason, [])
        kept += [at for at in places if at not in kept][: PLACES - len(kept)]

    def add(self, other: Tally) -> None:
        """Take over what another counted."""
        for name in ("packets", "bytes", "flows", "events", "findings", "alerts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.count(other.errors)
        self.note(other.notes)
        for reason, places in other.places.items():
            self.place(reason, places)


def _count(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, n in more.items():
        if n:
            counts[name] = counts.get(name, 0) + n


class Opening(msgspec.Struct, frozen=True):
    """The body of an open message: the session, and how many partitions each of its streams has."""

    session: Session
    partitions: int = 1


@cache
def schema_digest() -> str:
    """Names the row layouts of this version; messages of another are refused."""
    text = repr((SCHEMA_VERSION, FLOW.descr, CLOSED.descr, EVENT.descr))
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


_encoder = msgspec.msgpack.Encoder()
_headers = msgspec.msgpack.Decoder(Header)


def encode(header: Header, body: Body) -> bytes:
    """One message."""
    head = _encoder.encode(header)
    padding = b"\0" * (-(4 + len(head)) % _ALIGN)
    pieces = body if isinstance(body, tuple) else (body,)
    return b"".join((_LENGTH.pack(len(head)), head, padding, *pieces))


def decode(message: bytes) -> tuple[Header, memoryview]:
    """Header and body of a message; raises StreamError where it is none, or one of another version."""
    view = memoryview(message)
    try:
        (length,) = _LENGTH.unpack_from(view, 0)
        header = _headers.decode(view[4 : 4 + length])
    except (struct.error, msgspec.DecodeError) as e:
        raise StreamError(f"a message without a sound header: {e}") from e
    if header.schema != schema_digest():
        raise StreamError(
            f"a message of row layout {header.schema} from stage {header.stage!r};"
            f" this version knows {schema_digest()}"
        )
    return header, view[-(-(4 + length) // _ALIGN) * _ALIGN :]


def pack(value: object) -> bytes:
    """A structure as MessagePack."""
    return _encoder.encode(value)


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def unpack(body: bytes | memoryview, kind: type[T]) -> T:
    """A structure of type `kind`; raises StreamError where the body is none."""
    try:
        value: T = _decoder(cast("Any", kind)).decode(body)
    except msgspec.DecodeError as e:
        raise StreamError(f"a message body that is not {kind}: {e}") from e
    return value


#: Before rows: which layout they have, and how many there are.
_ROWS = struct.Struct("<II")


@cache
def _layout(dtype: np.dtype[Any], packed: bool = False) -> int:
    return zlib.crc32(repr((dtype.descr, "packed") if packed else dtype.descr).encode())


def _opaque(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that NumPy copies at memory speed (see `citywall.rows`)."""
    return np.dtype((np.void, dtype.itemsize))


def encode_rows(dtype: np.dtype[Any], pieces: Sequence[Rows], *, packed: bool = False) -> tuple[Buffer, ...]:
    """Rows of `dtype` in order: packed, or as they stand in memory; contiguous pieces are not copied."""
    flat = [np.ascontiguousarray(rows.view(_opaque(dtype))) for rows in pieces if len(rows)]
    n = sum(map(len, flat))
    head = _ROWS.pack(_layout(dtype, packed), n)
    if packed and n:
        words = join(flat, _opaque(dtype)).view(np.uint64).reshape(n, -1)
        return (head, *packing.pack(words))
    return (head, *(rows.view(np.uint8).data for rows in flat))


def decode_rows(body: bytes | memoryview, dtype: np.dtype[Any]) -> Rows:
    """Rows written by `encode_rows`, a view of `body` where it can be; raises StreamError for other rows."""
    rows, rest = _rows(memoryview(body), dtype)
    if rest:
        raise StreamError(f"rows that cannot be read: {len(rest)} bytes too many")
    return rows


def _rows(body: memoryview, dtype: np.dtype[Any]) -> tuple[Rows, memoryview]:
    """The rows that `body` begins with, and what follows them."""
    if len(body) < _ROWS.size:
        raise StreamError("rows that cannot be read: their head is cut short")
    layout, n = _ROWS.unpack_from(body, 0)
    if layout == _layout(dtype, packed=True):
        if not n:
            return np.empty(0, dtype), body[_ROWS.size :]
        words, rest = packing.unpack(body[_ROWS.size :], n, dtype.itemsize // 8)
        return words.reshape(-1).view(dtype), rest
    end = _ROWS.size + n * dtype.itemsize
    if layout != _layout(dtype) or len(body) < end:
        raise StreamError(f"rows that cannot be read: {n} of layout {layout:08x} in {len(body)} bytes")
    rows = np.frombuffer(body[_ROWS.size : end], _opaque(dtype)).view(dtype)
    # Kernels and NumPy want whole words: what a transport did not align is copied.
    return (rows if rows.flags.aligned else copy(rows)), body[end:]


def encode_closed(
    ends: Sequence[Rows], closed: Sequence[Rows], *, packed: bool = False
) -> tuple[Buffer, ...]:
    """END rows and their statistics, row by row."""
    return (*encode_rows(FLOW, ends, packed=packed), *encode_rows(CLOSED, closed, packed=packed))


def decode_closed(body: memoryview) -> tuple[Rows, Rows]:
    """What `encode_closed` wrote; raises StreamError where the two do not belong together."""
    ends, rest = _rows(body, FLOW)
    closed = decode_rows(rest, CLOSED)
    if len(ends) != len(closed) or (ends["flow_id"] != closed["flow_id"]).any():
        raise StreamError(f"{len(ends)} flows ended but {len(closed)} have statistics")
    return ends, closed
