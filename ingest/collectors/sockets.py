"""UDP sockets emptied many datagrams at a time (recvmmsg(2)), with what the kernel dropped.

Datagrams of one size that follow each other come as one message where the kernel has put them together on
their way (UDP_GRO): most of what receiving costs is paid by the message. They are taken apart here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import struct
import time

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError, SettingsError, UnsupportedInput
from ingest.collectors.framing import kernels as k

#: Messages taken by one call: what they hold is to stay in a near cache until it is in its record, and a call
#: costs little beside so many. From one to the next: room for the largest, and more, since those that begin a
#: power of two apart drive each other out of the caches.
BATCH = 32
SLOT = (1 << 16) + 1600
_LARGEST = 1 << 16
# bits/socket.h, asm-generic/socket.h
_RXQ_OVFL, _RCVBUFFORCE = 40, 33
_GRO = 104  # linux/udp.h

#: struct iovec of 64-bit Linux.
_VECTOR = np.dtype([("base", "u8"), ("length", "u8")])


class Gathered:
    """Records of a capture under way in `out`, which begins at `origin` of its file; enough at `full`.

    That is where they reach the next multiple of `piece` bytes of the file: what ends and begins there costs
    the system's cache of files a quarter less, which holds it in larger folios then.
    """

    def __init__(self, piece: int) -> None:
        self._piece = piece
        self.out = np.empty(piece + BATCH * (_LARGEST + k.TOGETHER * k.AROUND), np.uint8)
        self.place(0)
        self.digest = np.uint64(0)  # as `BlockRef` has it, over all since `begin`
        self.state = np.zeros(k.STATE, np.int64)

    @property
    def filled(self) -> int:
        """Bytes there."""
        return int(self.state[k.FILLED])

    @property
    def datagrams(self) -> int:
        """Datagrams since `begin`."""
        return int(self.state[k.KEPT])

    @property
    def payload(self) -> int:
        """Bytes of these."""
        return int(self.state[k.SIZE])

    def begin(self) -> None:
        """Begin anew."""
        self.state[:] = 0
        self.digest = np.uint64(0)

    def place(self, origin: int) -> None:
        """Say where in its file `out` begins."""
        self.origin, self.full = origin, self._piece - origin % self._piece

    @property
    def whole(self) -> int:
        """Bytes up to the last multiple of the piece that is reached; the last record may go on behind it."""
        end = self.origin + self.filled
        return max(end - end % self._piece - self.origin, 0)

    def written(self, size: int) -> None:
        """So many of the bytes there are in the file; the others move to the beginning."""
        left = self.filled - size
        self.out[:left] = self.out[size : size + left]
        self.state[k.FILLED] = left
        self.place(self.origin + size)


class Sockets:
    """Sockets bound to `addresses` (HOST:PORT, [HOST]:PORT); `[::]` takes IPv4, too.

    Senders outside of `networks` (u8[n, 4]: address, mask) are counted in `foreign`, no more. Raises
    SettingsError for an address that is none, InputError where it cannot be bound, UnsupportedInput where the
    system has no recvmmsg.
    """

    def __init__(
        self, addresses: tuple[str, ...], receive_bytes: int, networks: NDArray[np.uint64] | None = None
    ) -> None:
        if not hasattr(ctypes.CDLL(None), "recvmmsg") or struct.calcsize("P") != 8:
            raise UnsupportedInput("collector", "this system has no recvmmsg")
        self.dropped = self.foreign = 0  # by the kernel, of all sockets; from others than exporters
        self._networks = np.zeros((1, 4), np.uint64) if networks is None else networks
        self._buffer = np.zeros(BATCH * SLOT, np.uint8)
        self._names = np.zeros((BATCH, k.NAME), np.uint8)
        self._controls = np.zeros((BATCH, k.CONTROL), np.uint8)
        self._vectors = np.zeros(BATCH, _VECTOR)
        self._messages = np.zeros(BATCH, k.MESSAGE)
        self._at = self._messages.ctypes.data
        self._lay_out()
        self._poll = select.poll()
        self._sockets: dict[int, socket.socket] = {}
        self._ports: dict[int, int] = {}
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
        return tuple(self._ports.values())

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the sockets, in the same order."""
        return tuple(self._ports)

    @property
    def room(self) -> int:
        """Bytes that the smallest kernel's buffer of them has, which may be less than was asked for."""
        sizes = (each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for each in self._sockets.values())
        return min(sizes, default=0)

    def _lay_out(self) -> None:
        each = np.arange(BATCH, dtype=np.uint64)
        self._vectors["base"] = self._buffer.ctypes.data + each * SLOT
        self._vectors["length"] = _LARGEST
        self._messages["name"] = self._names.ctypes.data + each * k.NAME
        self._messages["vector"] = self._vectors.ctypes.data + each * _VECTOR.itemsize
        self._messages["vectors"] = 1
        self._messages["control"] = self._controls.ctypes.data + each * k.CONTROL

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
        self._ports[opened.fileno()] = opened.getsockname()[1]
        self._poll.register(opened.fileno(), select.POLLIN)

    def receive(self, seconds: float) -> list[int]:
        """Wait for up to `seconds`; the sockets that have something."""
        return [number for number, _ in self._poll.poll(max(seconds, 0.0) * 1000)]

    def take(self, number: int, into: Gathered) -> None:
        """Put what has come to a socket into a block, until nothing is left or the block is full."""
        state = into.state
        state[k.FOREIGN], state[k.TOLD] = 0, -1
        digest, code = k.drain(
            number, self._at, self._buffer, SLOT, self._messages, self._names, self._controls, self._networks,
            self._ports[number], time.time_ns(), into.out, into.full, into.origin, into.digest, state,
        )  # fmt: skip
        into.digest = np.uint64(digest)
        _, _, _, foreign, told = state.tolist()
        self.foreign += foreign
        if told >= 0:  # of 32 bits; comes once there are any
            self.dropped += (told - self._told.get(number, 0)) & 0xFFFF_FFFF
            self._told[number] = told
        if code:
            raise InputError("collector", os.strerror(int(code)))

    def close(self) -> None:
        """Let go of all sockets."""
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()
        self._ports.clear()


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
