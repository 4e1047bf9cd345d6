"""A ring of packets shared with the kernel: AF_PACKET, TPACKET_V3 (Linux, packet(7)).

The kernel fills a block of the ring, hands it over when it is full or `RETIRE_MS` old, and takes it back when
it has been read. Where no block is free it drops packets and counts them.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import select
import socket
import struct
import sys
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError, SettingsError, UnsupportedInput
from ingest.live.bpf import INSTRUCTION, compile_filter

#: Milliseconds after which the kernel hands over a block that is not full.
RETIRE_MS = 50
_LARGEST_BLOCK = 1 << 20
_FEWEST_BLOCKS = 4
_FRAME = 2048  # only has to divide a block: frames of TPACKET_V3 follow each other closely

# linux/if_packet.h, linux/if_ether.h, linux/if_arp.h; Python's socket module has none of them
_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 1, 5, 6, 10, 23
_PROMISCUOUS = 1
_TPACKET_V3 = 2
_EVERYTHING = 3  # ETH_P_ALL
_ATTACH_FILTER = 26
_RETURN = 0x06  # BPF_RET | BPF_K
_ETHERNET, _LOOPBACK = 1, 772
#: Link types by ARPHRD number: Ethernet and loopback; tunnels and point-to-point links, whose packets begin
#: with their IP header.
_LINKS = {_ETHERNET: 1, _LOOPBACK: 1, 512: 101, 768: 101, 769: 101, 776: 101, 778: 101, 65534: 101}
_TO_USER = 1
# Offsets in struct tpacket_block_desc.
_BLOCK_STATUS, _PACKETS, _FIRST, _LENGTH = 2, 3, 4, 5  # in words of four bytes


class Filled(NamedTuple):
    """A block that the kernel handed over: offset of its first packet and of its end, packets."""

    first: int
    end: int
    packets: int


def _all(snaplen: int) -> NDArray[np.void]:
    """The filter that accepts so many bytes of every packet."""
    return np.array([(_RETURN, 0, 0, snaplen)], INSTRUCTION)


class PacketRing:
    """Packets of one interface. `ring`: u1, read-only; `link`: its link type.

    Raises UnsupportedInput where the system or the interface cannot be captured from, InputError where there
    is no such interface or the right to capture is missing, SettingsError where no memory is left for a ring.
    """

    def __init__(
        self, interface: str, *, ring_bytes: int, snaplen: int, promiscuous: bool, wanted: str = ""
    ) -> None:
        if not sys.platform.startswith("linux"):
            raise UnsupportedInput(interface, "interfaces can be captured from on Linux only")
        self.interface = interface
        self._promiscuous = promiscuous
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError as e:
            raise InputError(
                interface, "capturing needs the right CAP_NET_RAW: see docs/deployment.md, or run as root"
            ) from e
        except OSError as e:
            raise UnsupportedInput(interface, f"packet sockets: {e.strerror or e}") from e
        try:
            self._index = self._find()
            self._attach(_all(0 if wanted else snaplen))  # nothing that is not wanted may slip in before
            self._map_ring(ring_bytes)
            self._bind()
            kind = self._socket.getsockname()[3]
            if kind not in _LINKS:
                raise UnsupportedInput(interface, f"its link type (ARPHRD {kind}) is not known")
            self.link = _LINKS[kind]
            if wanted:
                self._attach(compile_filter(wanted, self.link, snaplen))
        except BaseException:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._at = 0

    def _find(self) -> int:
        try:
            return socket.if_nametoindex(self.interface)
        except OSError as e:
            raise InputError(self.interface, "there is no such interface") from e

    def _attach(self, program: NDArray[np.void]) -> None:
        """Let in what a filter passes, so much of it as it says."""
        told = struct.pack("@HP", len(program), program.ctypes.data)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, told)
        except OSError as e:
            raise SettingsError("settings", "sensor.filter", f"the kernel refuses it: {e.strerror}") from e

    def _map_ring(self, ring_bytes: int) -> None:
        self._block = min(_LARGEST_BLOCK, 1 << (ring_bytes // _FEWEST_BLOCKS).bit_length() - 1)
        self._block = max(self._block, mmap.PAGESIZE)
        self._blocks = max(ring_bytes // self._block, 2)
        frames = self._blocks * (self._block // _FRAME)
        wanted = struct.pack("7I", self._block, self._blocks, _FRAME, frames, RETIRE_MS, 0, 0)
        size = self._block * self._blocks
        try:
            self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
            self._socket.setsockopt(_SOL_PACKET, _RX_RING, wanted)
            self._map = mmap.mmap(self._socket.fileno(), size)
        except OSError as e:
            if e.errno in {errno.ENOMEM, errno.EAGAIN, errno.EPERM}:
                reason = f"no memory for a ring of {size >> 20} MiB: {e.strerror}"
                raise SettingsError("settings", "sensor.ring_mib", reason) from e
            raise UnsupportedInput(self.interface, f"a TPACKET_V3 ring cannot be had: {e.strerror}") from e
        self._words = np.frombuffer(self._map, np.uint32).reshape(self._blocks, -1)
        self.ring: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8)
        self.ring.flags.writeable = False

    def _bind(self) -> None:
        """Let packets in. Only now, so that none of another interface are among them."""
        try:
            self._socket.bind((self.interface, _EVERYTHING))
        except OSError as e:
            raise InputError(self.interface, e.strerror or str(e)) from e
        if self._socket.getsockname()[3] == _LOOPBACK:  # where every packet comes in as well
            with contextlib.suppress(OSError):  # before Linux 4.20
                self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        elif self._promiscuous:
            membership = struct.pack("@iHH8s", self._index, _PROMISCUOUS, 0, b"")
            self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)

    def wait(self, seconds: float) -> bool:
        """Wait for a block, at most so long. False where the interface is down or gone."""
        events = self._poll.poll(max(int(seconds * 1000), 0))
        if any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in events):
            return not self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return True

    def reopen(self) -> bool:
        """Take to the interface again where it is back; whether it is."""
        try:
            self._index = self._find()
            self._bind()
        except (InputError, OSError):
            return False
        return not self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def filled(self) -> Filled | None:
        """The next block, None while the kernel has it. It stays ours until `give_back`."""
        # What was written before the status was is seen after it: every call between the two is a barrier.
        head = self._words[self._at]
        if not int(head[_BLOCK_STATUS]) & _TO_USER:
            return None
        begin = self._at * self._block
        # The length counts from the block's beginning; no packet reaches beyond it.
        end = begin + min(max(int(head[_LENGTH]), int(head[_FIRST])), self._block)
        return Filled(begin + int(head[_FIRST]), end, int(head[_PACKETS]))

    def give_back(self) -> None:
        """The block has been read; on to the next."""
        self._words[self._at, _BLOCK_STATUS] = 0
        self._at = (self._at + 1) % self._blocks

    def dropped(self) -> int:
        """Packets the kernel had to drop since this was last asked."""
        raw = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        return int(struct.unpack("3I", raw)[1])

    def close(self) -> None:
        """Let go of ring and socket."""
        self.ring = np.empty(0, np.uint8)
        self._words = np.empty((0, 0), np.uint32)
        with contextlib.suppress(BufferError):  # arrays that look into it still hold it
            self._map.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
