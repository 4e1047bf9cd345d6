"""UDP sockets read many datagrams at a time (recvmmsg(2)), with what the kernel dropped."""

from __future__ import annotations

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

#: Datagrams taken at once, and bytes of each.
BATCH = 256
SLOT = 1 << 16
_NAME, _CONTROL = 32, 64
# bits/socket.h, asm-generic/socket.h
_RXQ_OVFL, _RCVBUFFORCE = 40, 33
_DONTWAIT = 0x40
_CMSG = struct.Struct("=QiiI")  # struct cmsghdr with one u32

#: struct mmsghdr and struct iovec of 64-bit Linux.
_MESSAGE = np.dtype(
    [("name", "u8"), ("name_length", "u4"), ("vector", "u8"), ("vectors", "u8"), ("control", "u8"),
     ("control_length", "u8"), ("flags", "i4"), ("_", "u4"), ("length", "u4"), ("__", "u4")],
    align=True,
)  # fmt: skip
_VECTOR = np.dtype([("base", "u8"), ("length", "u8")])


@dataclass(frozen=True)
class Received:
    """Datagrams `buffer[i * SLOT:][: lengths[i]]` with their senders; `port` is where they were sent to."""

    buffer: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    sender_ports: NDArray[np.uint16]
    port: int


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

    def _lay_out(self) -> None:
        each = np.arange(BATCH, dtype=np.uint64)
        self._vectors["base"] = self._buffer.ctypes.data + each * SLOT
        self._vectors["length"] = SLOT
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
        """Up to BATCH datagrams of a socket; None where there are none. They hold until the next call."""
        self._messages["name_length"] = _NAME
        self._messages["control_length"] = _CONTROL
        n = self._recvmmsg(number, self._messages.ctypes.data, BATCH, _DONTWAIT, None)
        if n <= 0:
            code = ctypes.get_errno()
            if n == 0 or code in {errno.EAGAIN, errno.EINTR}:
                return None
            raise InputError("collector", os.strerror(code))
        self._count(number, n)
        names = self._names[:n]
        hi, lo = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        if self._sockets[number].family == socket.AF_INET6:  # family, port, flow, address
            words = np.ascontiguousarray(names[:, 8:24]).view(">u8")
            hi[:], lo[:] = words[:, 0], words[:, 1]
        else:
            lo[:] = np.ascontiguousarray(names[:, 4:8]).view(">u4")[:, 0]
            lo |= np.uint64(V4_MAPPED)
        ports = np.ascontiguousarray(names[:, 2:4]).view(">u2")[:, 0].astype(np.uint16)
        lengths = self._messages["length"][:n].astype(np.int64)
        return Received(self._buffer, lengths, hi, lo, ports, self._sockets[number].getsockname()[1])

    def _count(self, number: int, n: int) -> None:
        """The kernel's count of drops comes with the datagrams once there are any; of 32 bits."""
        if self._messages["control_length"][n - 1] < _CMSG.size:
            return
        length, level, kind, told = _CMSG.unpack_from(self._controls[n - 1])
        if level == socket.SOL_SOCKET and kind == _RXQ_OVFL and length >= _CMSG.size:
            self.dropped += (told - self._told.get(number, 0)) & 0xFFFF_FFFF
            self._told[number] = told

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
