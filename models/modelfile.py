"""Model files: arrays and JSON under a digest, never pickles.

::

    16 bytes   magic: "citywall-model 1" (the number is the file's own form)
     8 bytes   length of the header, little endian
     header    JSON: the card (below), and name, type, shape and offset of every array
     arrays    little endian, C order, each at a multiple of 64 bytes
    32 bytes   SHA-256 of everything before

Reading checks the length, the digest, the schema and every array's bounds before anything is believed.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.errors import ModelRefused

MAGIC = b"citywall-model 1"
SUFFIX = ".model"
#: What a card and the arrays beside it mean; raised when an older reader would misread them.
SCHEMA = 1
MAX_BYTES = 512 << 20
_TYPES = ("<f4", "<f8", "<i4", "<i8", "<u4", "<u8", "|u1")
_ALIGN = 64
_DIGEST = 32


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model says of itself. `features` is what it reads, in order; `created` UTC, ISO 8601."""

    kind: str
    schema: int
    created: str
    features: tuple[str, ...]
    labels: tuple[str, ...]
    threshold: float
    seed: int
    data: dict[str, Any]  # what it was trained on: sha256, rows
    metrics: dict[str, Any]  # what it was found to do when it was trained
    versions: dict[str, str]
    parameters: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}  # facts of the arrays, by prefix
    note: str = ""


class _Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    card: Card
    arrays: tuple[_Array, ...]


class _Schema(msgspec.Struct, frozen=True):
    """As much of a header as any version has."""

    schema: int


class _Outer(msgspec.Struct, frozen=True):
    card: _Schema


class Model(msgspec.Struct, frozen=True):
    """A model as it was read: its card, its arrays, and the digest that names it."""

    card: Card
    arrays: dict[str, NDArray[Any]]
    digest: str

    @property
    def id(self) -> str:
        """Twelve digits that tell it from others."""
        return self.digest[:12]


def pack(card: Card, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a model file; the same card and arrays give the same bytes."""
    table, body = [], bytearray()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        dtype = array.dtype.newbyteorder("<").str
        if dtype not in _TYPES:
            raise ValueError(f"array {name!r} is of {dtype}, which model files do not hold")
        body += bytes(-len(body) % _ALIGN)
        table.append(_Array(name, dtype, array.shape, len(body)))
        body += array.astype(dtype).tobytes()
    header = msgspec.json.encode(_Header(card, tuple(table)), order="deterministic")
    whole = MAGIC + len(header).to_bytes(8, "little") + header + bytes(body)
    return whole + hashlib.sha256(whole).digest()


def save(path: Path, card: Card, arrays: Mapping[str, NDArray[Any]]) -> Model:
    """Write a model file whole or not at all."""
    data = pack(card, arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        part.write(data)
        part.flush()
        os.fsync(part.fileno())
    Path(part.name).chmod(0o644)  # others may read what a model is
    Path(part.name).replace(path)
    return unpack(data, str(path))


def load(path: Path) -> Model:
    """Read a model file; raises ModelRefused saying why it is not taken."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelRefused("too_large", place=str(path), most=MAX_BYTES >> 20)
        data = path.read_bytes()
    except OSError as e:
        raise ModelRefused("unreadable", place=str(path), reason=e.strerror or str(e)) from None
    return unpack(data, str(path))


def unpack(data: bytes, place: str) -> Model:
    """The model in the bytes of a file; raises ModelRefused."""
    start = len(MAGIC) + 8
    if len(data) < start + _DIGEST or data[: len(MAGIC) - 1] != MAGIC[:-1]:
        raise ModelRefused("no_model", place=place)
    if data[len(MAGIC) - 1] != MAGIC[-1]:
        raise ModelRefused("newer", place=place, schema=chr(data[len(MAGIC) - 1]), known=chr(MAGIC[-1]))
    digest = hashlib.sha256(data[:-_DIGEST])
    if digest.digest() != data[-_DIGEST:]:
        raise ModelRefused("changed", place=place)
    length = int.from_bytes(data[len(MAGIC) : start], "little")
    if length > len(data) - start - _DIGEST:
        raise ModelRefused("damaged", place=place, reason="the header is longer than the file")
    header = _header(data[start : start + length], place)
    body = memoryview(data)[start + length : -_DIGEST]
    return Model(header.card, {a.name: _array(a, body, place) for a in header.arrays}, digest.hexdigest())


def _header(text: bytes, place: str) -> _Header:
    try:
        schema = msgspec.json.decode(text, type=_Outer).card.schema
        if schema > SCHEMA:
            raise ModelRefused("newer", place=place, schema=schema, known=SCHEMA)
        return msgspec.json.decode(text, type=_Header)
    except msgspec.DecodeError as e:
        raise ModelRefused("damaged", place=place, reason=str(e)) from None


def _array(told: _Array, body: memoryview, place: str) -> NDArray[Any]:
    if told.dtype not in _TYPES or len(told.shape) > 4 or any(n < 0 for n in told.shape):
        raise ModelRefused("damaged", place=place, reason=f"array {told.name!r} is of no known form")
    dtype, count = np.dtype(told.dtype), 1
    for n in told.shape:
        count *= n
    end = told.offset + count * dtype.itemsize
    if told.offset < 0 or told.offset % _ALIGN or end > len(body):
        raise ModelRefused("damaged", place=place, reason=f"array {told.name!r} is beyond the file")
    found: NDArray[Any] = np.frombuffer(body[told.offset : end], dtype).reshape(told.shape)
    return found


def require(model: Model, kind: str, features: Sequence[str], place: str) -> None:
    """See that a model is of `kind` and that all it reads is among `features`; raises ModelRefused."""
    if model.card.kind != kind:
        raise ModelRefused("other_kind", place=place, kind=model.card.kind, wanted=kind)
    if missing := [name for name in model.card.features if name not in features]:
        raise ModelRefused("feature", place=place, names=", ".join(missing[:5]))
