"""Compressed bodies, undone within limits: brotli; gzip, zlib, raw deflate, also where they say another."""

from __future__ import annotations

import lzma
import zlib

import brotli

# What inflate is tried as: window bits of gzip, zlib and raw deflate.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_BROTLI, _LZMA = 0, 1
_LZMA_MEMORY = 16 << 20  # bytes: a dictionary of 8 MiB is the usual one
_PIECE = 256  # bytes of brotli that are taken at once
_BY_NAME = {
    "gzip": (_GZIP, _ZLIB, _RAW),
    "deflate": (_ZLIB, _RAW, _GZIP),
    "br": (_BROTLI,),
    "lzma": (_LZMA,),
}


def layers(encoding: bytes) -> list[str]:
    """The compressions a Content-Encoding names, in the order they were applied.

    As libhtp reads it: words between commas and blanks, and whatever has gzip or deflate in it is that.
    """
    names = []
    for word in encoding.lower().replace(b" ", b",").split(b","):
        if b"gzip" in word:
            names.append("gzip")
        elif b"deflate" in word:
            names.append("deflate")
        elif word.strip() in (b"br", b"lzma"):
            names.append(word.strip().decode())
    return names


def inflate(
    data: bytes, encoding: bytes, most: int, most_layers: int, *, with_lzma: bool = False
) -> tuple[bytes, bool]:
    """`data` without the compressions that `encoding` names: at most `most` bytes, and whether all was well.

    What cannot be inflated at all comes back as it is; of what breaks off, what came before.
    """
    names = [name for name in layers(encoding) if with_lzma or name != "lzma"]
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
    if bits == _LZMA:
        return _lzma(data, most)
    if bits == _GZIP and data[3:4] and data[3] & 0xE2:
        bits, data = _RAW, _behind_head(data)  # nobody looks at reserved flags and a head's checksum
    engine = zlib.decompressobj(bits)
    try:
        out = engine.decompress(data, max(most, 1))
    except zlib.error:
        return _as_far(data, bits, most), False, True
    return out, engine.eof, False


def _behind_head(data: bytes) -> bytes:
    """What follows a gzip head (RFC 1952 §2.3), whatever its checksum; nothing where it is not whole."""
    flags, at = data[3], 10
    if flags & 4:
        at += 2 + int.from_bytes(data[10:12], "little")
    for flag in (8, 16):  # file name, comment
        if flags & flag:
            end = data.find(b"\0", at)
            at = end + 1 if end >= 0 else len(data)
    return data[at + (2 if flags & 2 else 0) :]


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


def _lzma(data: bytes, most: int) -> tuple[bytes, bool, bool]:
    """`_one` for the LZMA format of one stream (no xz), which no browser asks for."""
    engine = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)
    try:
        return engine.decompress(data, max(most, 1)), engine.eof, False
    except (lzma.LZMAError, MemoryError):
        return b"", False, True


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
