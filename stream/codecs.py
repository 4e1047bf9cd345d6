"""What travels on the topics: a header, then a body.

A message is a 4-byte little-endian header length, the header as MessagePack, and the body: Arrow IPC
record batches for rows (column names are the dtype's fields; the schema is known from `Header.schema` and
not sent), MessagePack for everything else.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citywall.batches import CLOSED, EVENT, FLOW, SCHEMA_VERSION
from citywall.errors import StreamError
from citywall.sessions import Session
from stream import kernels

_LENGTH = struct.Struct("<I")
Rows = NDArray[np.void]
T = TypeVar("T")


class Kind(IntEnum):
    """What a message says about its session."""

    OPEN = 0  # the session begins; the body is its `Session`
    DATA = 1
    END = 2  # nothing more will come; the body is a `Tally`


class Header(msgspec.Struct, frozen=True, array_like=True):
    """Where a message stands in the stream of its producer.

    `seq` is the ordinal within (session, stage, partition, topic) of the message's first item and `count` how
    many items it carries, so that a replay cut into other messages is still told apart from what is new.
    """

    session: str
    stage: str
    partition: int
    kind: Kind
    seq: int
    count: int
    watermark: int
    schema: str


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


def encode(header: Header, body: bytes | memoryview) -> bytes:
    """One message."""
    head = _encoder.encode(header)
    return b"".join((_LENGTH.pack(len(head)), head, body))


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
    return header, view[4 + length :]


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


class _Layout:
    """How rows of one dtype stand in memory and in Arrow. Columns begin at multiples of 64 bytes."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        assert dtype.names
        assert dtype.itemsize % 8 == 0
        self.names = dtype.names
        fields = [dtype.fields[name] for name in dtype.names] if dtype.fields else []
        self.offsets = np.array([field[1] for field in fields], np.int64)
        self.widths = np.array([field[0].itemsize for field in fields], np.int64)
        self.types = [pa.from_numpy_dtype(field[0]) for field in fields]
        self.schema = pa.schema(list(zip(self.names, self.types, strict=True)))

    def starts(self, n: int) -> tuple[NDArray[np.int64], int]:
        """Where the column of each field begins for `n` rows, and the bytes of all."""
        sizes = (self.widths * n + 63) // 64 * 64
        ends = np.cumsum(sizes)
        return ends - sizes, int(ends[-1])


@cache
def _layout(dtype: np.dtype[Any]) -> _Layout:
    return _Layout(dtype)


def _views(buffer: NDArray[np.uint8]) -> tuple[NDArray[Any], ...]:
    return tuple(buffer.view(f"u{width}") for width in (1, 2, 4, 8))


def encode_rows(rows: Rows) -> memoryview:
    """A structured array as one Arrow IPC record batch."""
    layout, n = _layout(rows.dtype), len(rows)
    starts, size = layout.starts(n)
    columns = np.empty(size, np.uint8)
    if n:
        raw = np.ascontiguousarray(rows.view(_opaque(rows.dtype))).view(np.uint8)
        raw.flags.writeable = False
        kernels.gather(raw, rows.dtype.itemsize, n, layout.offsets, layout.widths, starts, *_views(columns))
    whole = pa.py_buffer(columns)
    arrays = [
        pa.Array.from_buffers(kind, n, [None, whole.slice(start, width * n)])
        for kind, start, width in zip(layout.types, starts.tolist(), layout.widths.tolist(), strict=True)
    ]
    return memoryview(pa.RecordBatch.from_arrays(arrays, schema=layout.schema).serialize())


def decode_rows(body: bytes | memoryview, dtype: np.dtype[Any]) -> Rows:
    """Rows written by `encode_rows`; raises StreamError where they are not of `dtype`."""
    layout = _layout(dtype)
    data = pa.py_buffer(body)
    try:
        batch = pa.ipc.read_record_batch(data, layout.schema)
        batch.validate()
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError, EOFError) as e:
        raise StreamError(f"a record batch that cannot be read: {e}") from e
    n = batch.num_rows
    rows = np.zeros(n, dtype)
    if n:
        starts = np.array([_start(column, data, n) for column in batch.columns], np.int64)
        kernels.scatter(
            np.frombuffer(data, np.uint8), starts, n, dtype.itemsize, layout.offsets, layout.widths,
            *_views(rows.view(_opaque(dtype)).view(np.uint8)),
        )  # fmt: skip
    return rows


def _start(column: Any, data: Any, n: int) -> int:
    """Where a column's values begin in `data`; they are `n` of the type's width there, without gaps."""
    values = column.buffers()[1]
    start: int = values.address - data.address + column.offset * column.type.byte_width
    end = start + n * column.type.byte_width
    if column.null_count or start < 0 or end > data.size or values.size < n * column.type.byte_width:
        raise StreamError("a record batch with missing values")
    return start


def _opaque(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that NumPy copies at memory speed (see `citywall.rows`)."""
    return np.dtype((np.void, dtype.itemsize))


def encode_closed(ends: Rows, closed: Rows) -> bytes:
    """END rows and their statistics, row by row."""
    first = encode_rows(ends)
    return b"".join((_LENGTH.pack(len(first)), first, encode_rows(closed)))


def decode_closed(body: memoryview) -> tuple[Rows, Rows]:
    """What `encode_closed` wrote; raises StreamError where the two do not belong together."""
    try:
        (length,) = _LENGTH.unpack_from(body, 0)
    except struct.error as e:
        raise StreamError(f"closed flows that cannot be read: {e}") from e
    ends, closed = decode_rows(body[4 : 4 + length], FLOW), decode_rows(body[4 + length :], CLOSED)
    if len(ends) != len(closed) or (ends["flow_id"] != closed["flow_id"]).any():
        raise StreamError(f"{len(ends)} flows ended but {len(closed)} have statistics")
    return ends, closed
