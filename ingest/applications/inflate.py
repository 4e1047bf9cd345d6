"""Compressed bodies, undone within limits: brotli; gzip, zlib, raw deflate, also where they say another."""

from __future__ import annotations

import zlib

import brotli

# What inflate is tried as: window bits of gzip, zlib and raw deflate.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_BROTLI = 0
_PIECE = 256  # bytes of brotli that are taken at once
_BY_NAME = {
    "gzip": (_GZIP, _ZLIB, _RAW),
    "x-gzip": (_GZIP, _ZLIB, _RAW),
    "deflate": (_ZLIB, _RAW, _GZIP),
    "x-deflate": (_ZLIB, _RAW, _GZIP),
    "br": (_BROTLI,),
}


def layers(encoding: bytes) -> list[str]:
    """The compressions a Content-Encoding names, in the order they were applied."""
    names = [name.strip().lower().decode("latin-1") for name in encoding.replace(b";", b",").split(b",")]
    return [name for name in names if name in _BY_NAME]


def inflate(data: bytes, encoding: bytes, most: int, most_layers: int) -> tuple[bytes, bool]:
    """`data` without the compressions that `encoding` names: at most `most` bytes, and whether all was well.

    What cannot be inflated at all comes back as it is; of what breaks off, what came before.
    """
    names = layers(encoding)
    sound = True
    if len(names) > most_layers:
        names, sound = names[-most_layers:] if most_layers else [], False
    for name in reversed(names):
        for place, bits in enumerate(_BY_NAME[name]):
            out, whole, broken = _one(data, bits, most)
            if (out or whole) and not (broken and place):  # what breaks off stands only for what was said
                data, sound = out, sound and whole
                break
        else:
            return data, False
    return data, sound


def _one(data: bytes, bits: int, most: int) -> tuple[bytes, bool, bool]:
    """What one layer gives, as far as it goes; whether it went to its end, and whether it met an error."""
    if bits == _BROTLI:
        return _brotli(data, most)
    if bits == _GZIP and data[3:4] and data[3] & 0xE0:
        data = data[:3] + bytes((data[3] & 0x1F,)) + data[4:]  # reserved flags are nobody's business
    engine = zlib.decompressobj(bits)
    try:
        out = engine.decompress(data, max(most, 1))
    except zlib.error:
        return _as_far(data, bits, most), False, True
    return out, engine.eof, False


def _brotli(data: bytes, most: int) -> tuple[bytes, bool, bool]:
    """`_one` for brotli (RFC 7932): in pieces, so that what stands before an error is had."""
    engine, out, at = brotli.Decompressor(), bytearray(), 0
    try:
        while (
            len(out) < most
            and not engine.is_finished()
            and (at < len(data) or not engine.can_accept_more_data())
        ):
            piece = data[at : at + _PIECE] if engine.can_accept_more_data() else b""
            out += engine.process(piece, output_buffer_limit=most - len(out))
            at += len(piece)
    except brotli.error:
        return bytes(out[:most]), False, True
    return bytes(out[:most]), engine.is_finished() and len(out) <= most, False


def _as_far(data: bytes, bits: int, most: int) -> bytes:
    """What can be inflated before the error: in pieces, then byte by byte in the one that fails."""
    out, at, step = bytearray(), 0, 256
    engine = zlib.decompressobj(bits)
    while at < len(data) and len(out) < most:
        before = engine.copy()
        try:
            out += engine.decompress(data[at : at + step], most - len(out))
        except zlib.error:
            if step == 1:
                break
            engine, step = before, 1
            continue
        at += step
    return bytes(out)
