"""Datagrams that were received, as records of a capture file."""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, copy_bytes, internal, load_le32, load_le64
from ingest.decode.kernels import digest_step


@internal
def _put32(out, at, value, big):
    for i in range(4):
        out[at + i] = np.uint8((value >> (24 - 8 * i if big else 8 * i)) & 0xFF)


@internal
def _put64(out, at, word):
    for i in range(8):
        out[at + i] = np.uint8((word >> U8(56 - 8 * i)) & U8(0xFF))


@internal
def _put16(out, at, value):
    out[at] = np.uint8((value >> 8) & 0xFF)
    out[at + 1] = np.uint8(value & 0xFF)


#: Of struct cmsghdr: its size, and (level, type) of what is read; bits/socket.h, linux/udp.h.
_HEADER = 16
_SOL_SOCKET, _RXQ_OVFL, _SOL_UDP, _GRO = 1, 40, 17, 104


@bare_kernel
def controls(raw, lengths, of):
    """Read control messages (u1[n, k], of `lengths`): the size of datagrams into `of`, 0 where there is one.

    Returns the newest count of what the kernel dropped, or -1.
    """
    dropped = np.int64(-1)
    for i in range(len(lengths)):
        of[i] = 0
        row = raw[i]
        at, end = np.int64(0), min(lengths[i], np.int64(len(row)))
        while at + _HEADER + 4 <= end:
            length = np.int64(load_le64(row, at))
            if length < _HEADER or length > end - at:
                break
            level, kind = load_le32(row, at + 8), load_le32(row, at + 12)
            if length >= _HEADER + 4:
                value = np.int64(load_le32(row, at + _HEADER))
                if level == _SOL_SOCKET and kind == _RXQ_OVFL:
                    dropped = value
                elif level == _SOL_UDP and kind == _GRO:
                    of[i] = value
            at += (length + 7) & ~7
    return dropped


@bare_kernel
def take_apart(begins, sizes, of, starts, lengths):
    """Where each datagram of messages begins, and how long it is: all of one but the last have one size."""
    n = 0
    for i in range(len(sizes)):
        step = of[i] if of[i] > 0 else max(sizes[i], np.int64(1))
        done = np.int64(0)
        while done < sizes[i] or (done == 0 and of[i] == 0):
            starts[n] = begins[i] + done
            lengths[n] = min(step, sizes[i] - done)
            done += step
            n += 1
    return n


@bare_kernel
def frame_datagrams(
    buffer, starts, lengths, hi, lo, ports, allowed, port, clock, i, out, filled, origin, digest, full
):  # fmt: skip
    """Write datagrams from `i` on that are `allowed` as pcap records of raw IP, until `out` has `full` bytes.

    Datagram i is `buffer[starts[i]:][: lengths[i]]`. The address it was sent to is not known: it is zero.
    `out` has room for one record more than `full`; its first byte stands at `origin` of the file. Returns
    (next datagram, bytes filled, records, payload bytes, digest as `BlockRef` has it).
    """
    n = 0
    size = np.int64(0)
    second, nanosecond = clock // 1_000_000_000, clock % 1_000_000_000
    while i < len(lengths) and filled < full:
        if allowed[i]:
            length = min(lengths[i], np.int64(65_535 - 48))
            four = hi[i] == U8(0) and lo[i] >> U8(32) == U8(0xFFFF)
            header = 20 if four else 40
            captured = header + 8 + length
            _put32(out, filled, second, False)
            _put32(out, filled + 4, nanosecond, False)
            _put32(out, filled + 8, captured, False)
            _put32(out, filled + 12, captured, False)
            words = U8(captured) | (U8(captured) << U8(32))
            digest = digest_step(digest, origin + filled, U8(second) | (U8(nanosecond) << U8(32)), words)
            at = filled + 16
            for k in range(header):
                out[at + k] = 0
            if four:
                out[at] = 0x45
                _put16(out, at + 2, captured)
                out[at + 8] = 64
                out[at + 9] = 17
                _put32(out, at + 12, np.int64(lo[i] & U8(0xFFFF_FFFF)), True)
            else:
                out[at] = 0x60
                _put16(out, at + 4, 8 + length)
                out[at + 6] = 17
                out[at + 7] = 64
                _put64(out, at + 8, hi[i])
                _put64(out, at + 16, lo[i])
            at += header
            _put16(out, at, np.int64(ports[i]))
            _put16(out, at + 2, port)
            _put16(out, at + 4, 8 + length)
            _put16(out, at + 6, 0)
            copy_bytes(out, at + 8, buffer, starts[i], length)
            filled = at + 8 + length
            n += 1
            size += length
        i += 1
    return i, filled, n, size, digest
