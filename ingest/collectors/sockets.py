"""UDP sockets read many datagrams at a time (recvmmsg(2)), with what the kernel dropped.

Datagrams of one size that follow each other come as one message where the kernel has put them together on
their way (UDP_GRO): most of what receiving costs is paid by the message. They are taken apart here.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import errno
import os
import select
import socket
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import V4_MAPPED
from citywall.errors import InputError, SettingsError, UnsupportedInput
from ingest.collectors.framing import kernels

#: Datagrams taken at once, and bytes from one to the next: room for the largest, and more, since those that
#: begin a power of two apart drive each other out of the processor's caches.
BATCH = 256
SLOT = (1 << 16) + 1600
_LARGEST = 1 << 16
_NAME, _CONTROL = 32, 64
# bits/socket.h, asm-generic/socket.h
_RXQ_OVFL, _RCVBUFFORCE = 40, 33
_DONTWAIT = 0x40
_GRO = 104  # linux/udp.h

#: struct mmsghdr and struct iovec of 64-bit Linux.
_MESSAGE = np.dtype(
    [("name", "u8"), ("name_length", "u4"), ("vector", "u8"), ("vectors", "u8"), ("control", "u8"),
     ("control_length", "u8"), ("flags", "i4"), ("_", "u4"), ("length", "u4"), ("__", "u4")],
    align=True,
)  # fmt: skip
_VECTOR = np.dtype([("base", "u8"), ("length", "u8")])
_STARTS = np.arange(BATCH, dtype=np.int64) * SLOT


@dataclass(frozen=True)
class Received:
    """Datagrams `buffer[starts[i]:][: lengths[i]]` with their senders; `port` is where they were sent to.

    They came as so many `messages`.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    sender_ports: NDArray[np.uint16]
    port: int
    messages: int


class Sockets:
    """Sockets bound to `addresses` (HOST:PORT, [HOST]:PORT); `[::]` takes IPv4, too.

    Raises SettingsError for an address that is none, InputError where it cannot be bound, UnsupportedInput
    where the system has no recvmmsg.
    """

    def __init__(self, addresses: tuple[str, ...], receive_bytes: int) -> None:
        library = ctypes.CDLL(ctypes.util.find_library("c") or None, use_errno=True)
        if not hasattr(library, "recvmmsg") or struct.calcsize("P") != 8:
            raise UnsupportedInput("collector", "this system has no recvmmsg")
        self._recvmmsg = library.recvmmsg
        self._recvmmsg.argtypes = [
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        ]
        self.dropped = 0  # by the kernel, of all sockets
        self._buffer = np.zeros(BATCH * SLOT, np.uint8)
        self._names = np.zeros((BATCH, _NAME), np.uint8)
        self._controls = np.zeros((BATCH, _CONTROL), np.uint8)
        self._vectors = np.zeros(BATCH, _VECTOR)
        self._messages = np.zeros(BATCH, _MESSAGE)
        self._of = np.zeros(BATCH, np.int64)  # the size of the datagrams in a message, 0 where it is one
        self._lay_out()
        self._poll = select.poll()
        self._sockets: dict[int, socket.socket] = {}
        self._told: dict[int, int] = {}  # the kernel's counter of drops, by socket
        try:
            for address in addresses:
                self._bind(address, receive_bytes)
        except BaseException:
            self.close()
            raise

    @property
    def ports(self) -> tuple[int, ...]:
        """What was bound, in the order of the addresses."""
        return tuple(each.getsockname()[1] for each in self._sockets.values())

    @property
    def room(self) -> int:
        """Bytes that the smallest kernel's buffer of them has, which may be less than was asked for."""
        sizes = (each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for each in self._sockets.values())
        return min(sizes, default=0)

    def _lay_out(self) -> None:
        each = np.arange(BATCH, dtype=np.uint64)
        self._vectors["base"] = self._buffer.ctypes.data + each * SLOT
        self._vectors["length"] = _LARGEST
        self._messages["name"] = self._names.ctypes.data + each * _NAME
        self._messages["vector"] = self._vectors.ctypes.data + each * _VECTOR.itemsize
        self._messages["vectors"] = 1
        self._messages["control"] = self._controls.ctypes.data + each * _CONTROL

    def _bind(self, address: str, receive_bytes: int) -> None:
        host, port = parse_address(address)
        six = ":" in host
        opened = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        self._sockets[opened.fileno()] = opened
        try:
            if six:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
            opened.setsockopt(socket.SOL_SOCKET, _RXQ_OVFL, 1)
            with contextlib.suppress(OSError):  # older kernels do not have it
                opened.setsockopt(socket.IPPROTO_UDP, _GRO, 1)
            try:
                opened.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, receive_bytes)
            except PermissionError:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            opened.bind((host, port))
        except OSError as e:
            raise InputError(address, f"cannot be listened on: {e.strerror or e}") from e
        self._poll.register(opened.fileno(), select.POLLIN)

    def receive(self, seconds: float) -> list[int]:
        """Wait for up to `seconds`; the sockets that have something."""
        return [number for number, _ in self._poll.poll(max(seconds, 0.0) * 1000)]

    def take(self, number: int) -> Received | None:
        """Up to BATCH messages of a socket; None where there are none. They hold until the next call."""
        self._messages["name_length"] = _NAME
        self._messages["control_length"] = _CONTROL
        n = self._recvmmsg(number, self._messages.ctypes.data, BATCH, _DONTWAIT, None)
        if n <= 0:
            code = ctypes.get_errno()
            if n == 0 or code in {errno.EAGAIN, errno.EINTR}:
                return None
            raise InputError("collector", os.strerror(code))
        sizes = self._messages["length"][:n].astype(np.int64)
        told = kernels.controls(
            self._controls, self._messages["control_length"][:n].astype(np.int64), self._of
        )
        if told >= 0:  # the kernel's count of drops, of 32 bits, comes once there are any
            self.dropped += (int(told) - self._told.get(number, 0)) & 0xFFFF_FFFF
            self._told[number] = int(told)
        names = self._names[:n]
        hi, lo = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        if self._sockets[number].family == socket.AF_INET6:  # family, port, flow, address
            words = np.ascontiguousarray(names[:, 8:24]).view(">u8")
            hi[:], lo[:] = words[:, 0], words[:, 1]
        else:
            lo[:] = np.ascontiguousarray(names[:, 4:8]).view(">u4")[:, 0]
            lo |= np.uint64(V4_MAPPED)
        ports = np.ascontiguousarray(names[:, 2:4]).view(">u2")[:, 0].astype(np.uint16)
        port = self._sockets[number].getsockname()[1]
        if not self._of[:n].any():
            return Received(self._buffer, _STARTS[:n], sizes, hi, lo, ports, port, n)
        each = np.where(self._of[:n] > 0, -(-sizes // np.maximum(self._of[:n], 1)), 1)
        starts, lengths = np.empty(int(each.sum()), np.int64), np.empty(int(each.sum()), np.int64)
        kernels.take_apart(_STARTS, sizes, self._of, starts, lengths)
        hi, lo, ports = (np.repeat(column, each) for column in (hi, lo, ports))
        return Received(self._buffer, starts, lengths, hi, lo, ports, port, n)

    def close(self) -> None:
        """Let go of all sockets."""
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()


def parse_address(address: str) -> tuple[str, int]:
    """`HOST:PORT` or `[HOST]:PORT` with a literal address; raises SettingsError."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        number = int(port)
    except (OSError, ValueError):
        number = -1
    if not colon or not host or not 0 <= number <= 65535:
        raise SettingsError("settings", "collector.listen", f"is no HOST:PORT with an address: {address!r}")
    return host, number
