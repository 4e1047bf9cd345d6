"""Datagrams off a socket, many at a time (recvmmsg(2)), straight into records of a capture file."""

from __future__ import annotations

import ctypes
import errno
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from citywall.kernels import (
    JIT,
    U8,
    bare_kernel,
    copy_bytes,
    internal,
    load_be32,
    load_be64,
    load_le16,
    load_le32,
    load_le64,
    store_le64,
)
from ingest.decode.kernels import digest_step

#: struct mmsghdr of 64-bit Linux.
MESSAGE = np.dtype(
    [("name", "u8"), ("name_length", "u4"), ("vector", "u8"), ("vectors", "u8"), ("control", "u8"),
     ("control_length", "u8"), ("flags", "i4"), ("_", "u4"), ("length", "u4"), ("__", "u4")],
    align=True,
)  # fmt: skip
#: struct sockaddr_in6, which is the longer, and room for two control messages.
NAME, CONTROL = 32, 64
#: What a record needs beside its payload at most: its header, IPv6, UDP.
AROUND = 16 + 40 + 8
#: Datagrams that one message may hold where the kernel put them together (UDP_MAX_SEGMENTS).
TOGETHER = 128
#: Of `state`: bytes in `out`, datagrams and their bytes put there, datagrams of others, the kernel's newest
#: count of what it dropped (or -1).
FILLED, KEPT, SIZE, FOREIGN, TOLD = range(5)
STATE = 5

_LONGEST = 65_535 - 48
#: Bytes that are taken by one call, about, and messages at the least.
_NEAR, _FEWEST = 1 << 18, 4
_DONTWAIT = 0x40
# Of struct cmsghdr: its size, and (level, type) of what is read; bits/socket.h, linux/udp.h.
_HEADER = 16
_SOL_SOCKET, _RXQ_OVFL, _SOL_UDP, _GRO = 1, 40, 17, 104
_INET6 = 10
#: Hops left and the protocol as headers have them side by side, IPv4 and IPv6.
_64_UDP, _UDP_64 = 64 | 17 << 8, 17 | 64 << 8
_V4_MAPPED = U8(0xFFFF_0000_0000)
_EAGAIN, _EINTR = np.int64(errno.EAGAIN), np.int64(errno.EINTR)


def _caller() -> Any:
    @intrinsic
    def receive_many(_typing: Any, _number: Any, _address: Any, _count: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            i32, nowhere = ir.IntType(32), ir.IntType(8).as_pointer()
            call = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(i32, [i32, nowhere, i32, i32, nowhere]), "recvmmsg"
            )
            where = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(i32.as_pointer(), []), "__errno_location"
            )
            got = builder.call(
                call,
                [
                    builder.trunc(args[0], i32), builder.inttoptr(args[1], nowhere),
                    builder.trunc(args[2], i32), i32(_DONTWAIT), nowhere(None),
                ],
            )  # fmt: skip
            failed = builder.icmp_signed("<", got, i32(0))
            code = builder.neg(builder.load(builder.call(where, [])))
            return builder.sext(builder.select(failed, code, got), ir.IntType(64))

        return types.int64(types.int64, types.int64, types.int64), generate

    return receive_many


def _call_twin(number: int, address: int, count: int) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    got = library.recvmmsg(int(number), ctypes.c_void_p(int(address)), int(count), _DONTWAIT, None)
    return got if got >= 0 else -ctypes.get_errno()


# receive_many(socket, address of MESSAGE[n], n): how many messages came without waiting, or minus the error.
receive_many = _caller() if JIT else _call_twin


@internal
def _controls(raw, length):
    """Read the control messages of one: the size of its datagrams (0: it is one), and what was dropped."""
    step, dropped = np.int64(0), np.int64(-1)
    at, end = np.int64(0), min(np.int64(length), np.int64(len(raw)))
    while at + _HEADER + 4 <= end:
        size = np.int64(load_le64(raw, at))
        if size < _HEADER or size > end - at:
            break
        if size >= _HEADER + 4:
            level, kind = load_le32(raw, at + 8), load_le32(raw, at + 12)
            value = np.int64(load_le32(raw, at + _HEADER))
            if level == _SOL_SOCKET and kind == _RXQ_OVFL:
                dropped = value
            elif level == _SOL_UDP and kind == _GRO:
                step = value
        at += (size + 7) & ~7
    return step, dropped


@internal
def _allowed(hi, lo, networks):
    for i in range(len(networks)):
        if hi & networks[i, 2] == networks[i, 0] and lo & networks[i, 3] == networks[i, 1]:
            return True
    return False


@internal
def _turned(value):
    """The two bytes of a number, the other way round."""
    return (U8(value) >> U8(8)) & U8(0xFF) | (U8(value) & U8(0xFF)) << U8(8)


@internal
def _header(out, at, when, source, ports, hi, lo, length):
    """The headers of a record, by words: of the capture, of IP and of UDP. Returns where the payload begins.

    `when` and `ports` are words as they stand there, so is `source` for IPv4 (its last four bytes), `hi` and
    `lo` for IPv6, where `source` is 0. Up to four bytes of the payload are overwritten.
    """
    told = _turned(8 + length)
    four = source != U8(0)
    captured = U8((28 if four else 48) + length)
    store_le64(out, at, when)
    store_le64(out, at + 8, captured | captured << U8(32))
    if four:
        store_le64(out, at + 16, U8(0x45) | _turned(captured) << U8(16))
        store_le64(out, at + 24, source)
        store_le64(out, at + 32, ports << U8(32))
        store_le64(out, at + 40, told)
        return at + 44
    store_le64(out, at + 16, U8(0x60) | told << U8(32) | U8(_UDP_64) << U8(48))
    store_le64(out, at + 24, hi)
    store_le64(out, at + 32, lo)
    store_le64(out, at + 40, U8(0))
    store_le64(out, at + 48, U8(0))
    store_le64(out, at + 56, ports | told << U8(32))
    return at + 64


@bare_kernel
def frame(
    buffer, slot, messages, count, names, controls, networks, port, clock, out, origin, digest, state
):  # fmt: skip
    """Write the datagrams of `count` messages (MESSAGE[n]) behind those in `out`, as pcap records of raw IP.

    Message i is `buffer[i * slot:]`, its sender `names[i]`, its control messages are `controls[i]`. Those
    from none of `networks` (u8[k, 4]: address, mask) are counted only. The address they were sent to is not
    known: it is zero. `out` begins at `origin` of the file and has room for all; `state` is i8[STATE], and
    goes on. Returns the digest as `BlockRef` has it.
    """
    when = U8(clock // 1_000_000_000) | U8(clock % 1_000_000_000) << U8(32)
    to = _turned(port) << U8(16)
    filled = state[FILLED]
    for i in range(count):
        size = np.int64(messages[i]["length"])
        step, told = _controls(controls[i], messages[i]["control_length"])
        if told >= 0:
            state[TOLD] = told
        if step <= 0 or size > step * TOGETHER:
            step = max(size, np.int64(1))
        name = names[i]
        six = name[0] == _INET6
        if six:
            hi, lo = U8(load_be64(name, 8)), U8(load_be64(name, 16))
        else:
            hi, lo = U8(0), _V4_MAPPED | U8(load_be32(name, 4))
        if not _allowed(hi, lo, networks):
            state[FOREIGN] += max((size + step - 1) // step, np.int64(1))
            continue
        source = U8(0)
        if hi == U8(0) and lo >> U8(32) == U8(0xFFFF):
            source = U8(_64_UDP) | U8(load_le32(name, 20 if six else 4)) << U8(32)
        ports = U8(load_le16(name, 2)) | to
        done = np.int64(0)
        while True:
            length = min(step, size - done, np.int64(_LONGEST))
            at = _header(
                out, filled, when, source, ports, U8(load_le64(name, 8)), U8(load_le64(name, 16)), length
            )
            captured = U8(at - filled - 16 + length)
            digest = digest_step(digest, origin + filled, when, captured | captured << U8(32))
            copy_bytes(out, at, buffer, i * slot + done, length)
            filled = at + length
            state[KEPT] += 1
            state[SIZE] += length
            done += step
            if done >= size:
                break
    state[FILLED] = filled
    return digest


@bare_kernel
def drain(
    number, address, buffer, slot, messages, names, controls, networks, port, clock, out, full, origin,
    digest, state,
):  # fmt: skip
    """Take what has come to a socket, as `frame` does, until it is empty or `out` has `full` bytes.

    `address` is that of `messages`. Returns the digest, and 0 or the error of the system.
    """
    n = len(messages)
    while state[FILLED] < full:
        before = state[SIZE]
        for i in range(n):
            messages[i]["name_length"] = NAME
            messages[i]["control_length"] = CONTROL
        got = receive_many(np.int64(number), np.int64(address), np.int64(n))
        if got <= 0:
            if got == -_EINTR:
                continue
            return digest, np.int64(0) if got == 0 or got == -_EAGAIN else -got
        digest = frame(
            buffer, slot, messages, got, names, controls, networks, port, clock, out, origin, digest, state
        )
        if got < n:
            break
        # Few large messages at a time, or many small ones: what is taken is to stay near until it is framed.
        n = max(n // 2, _FEWEST) if state[SIZE] - before > _NEAR else min(2 * n, len(messages))
    return digest, np.int64(0)
