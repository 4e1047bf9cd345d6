"""A wire of our own: two joined interfaces, the far one in a network namespace.

As a script it sends a capture (pcap, microseconds or nanoseconds, little endian) on an interface: as fast as
it can, `paced`, at the times the capture has, or at so many packets a second. It is run inside the namespace.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path


def records(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(time ns, bytes kept, length on the wire) of every record of a pcap file, or of its rest."""
    unit = 1000 if data[:4] == b"\xd4\xc3\xb2\xa1" else 1
    at = 24 if data[:4] in {b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"} else 0
    while at < len(data):
        seconds, fraction, kept, wire = struct.unpack_from("<4I", data, at)
        yield seconds * 1_000_000_000 + fraction * unit, data[at + 16 : at + 16 + kept], wire
        at += 16 + kept


class Wire:
    """`interface` is the near end; frames sent come in there. MTU 65535, no addresses, nothing else on it."""

    def __init__(self) -> None:
        name = uuid.uuid4().hex[:8]
        self.interface, self.far, self.space = f"cw{name}", f"cx{name}", f"cw-{name}"
        self._ip("netns", "add", self.space)
        try:
            self.plug()
        except BaseException:
            self.close()
            raise

    def plug(self) -> None:
        """Make both ends."""
        ends = ("link", "add", self.interface, "mtu", "65535", "type", "veth")
        self._ip(*ends, "peer", "name", self.far, "mtu", "65535", "netns", self.space)
        for end, space in ((self.interface, ()), (self.far, ("-n", self.space))):
            self._ip(*space, "link", "set", "dev", end, "addrgenmode", "none")  # the kernel stays silent
            self._ip(*space, "link", "set", "dev", end, "up")

    def unplug(self) -> None:
        """Take both ends away."""
        self._ip("link", "del", self.interface)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

    def sending(
        self, capture: Path, *, paced: bool = False, times: int = 1, rate: int = 0
    ) -> subprocess.Popen[bytes]:
        """Start sending a capture, `times` over; `rate` packets a second, unless that is 0."""
        inside = ["ip", "netns", "exec", self.space, sys.executable, "-S", __file__]
        pace = str(rate) if rate else "paced" if paced else "fast"
        return subprocess.Popen([*inside, self.far, str(capture), str(times), pace])

    def arrived(self) -> int:
        """Packets that came in at the near end, as the kernel counts them."""
        path = Path("/sys/class/net") / self.interface / "statistics" / "rx_packets"
        return int(path.read_text("ascii"))

    def send(self, capture: Path, *, paced: bool = False, times: int = 1) -> None:
        """Send a capture; returns when all of it is on the wire."""
        assert self.sending(capture, paced=paced, times=times).wait(120) == 0

    def close(self) -> None:
        """Take everything away."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.unplug()
        self._ip("netns", "del", self.space)


def refusal() -> str:
    """Why no wire can be had here; empty where one can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need Linux and root"
    try:
        Wire().close()
    except (OSError, subprocess.CalledProcessError) as e:
        return f"no network namespace can be made here: {getattr(e, 'stderr', '') or e}"
    return ""


def main(interface: str, capture: str, times: str, pace: str) -> None:
    """Send `capture` on `interface`."""
    frames = list(records(Path(capture).read_bytes()))
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.bind((interface, 0))
    if pace.isdecimal():
        _even(out, [data for _, data, _ in frames] * int(times), int(pace))
        return
    for _ in range(int(times)):
        began, first = time.monotonic_ns(), frames[0][0]
        for at, data, _wire in frames:
            if pace == "paced":
                ahead = (at - first) - (time.monotonic_ns() - began)
                if ahead > 0:
                    time.sleep(ahead / 1e9)
            out.send(data)


def _even(out: socket.socket, frames: list[bytes], rate: int) -> None:
    """Send `rate` frames a second, those of a millisecond together."""
    began = time.monotonic()
    for i, data in enumerate(frames):
        while (ahead := i / rate - (time.monotonic() - began)) > 0:
            time.sleep(max(ahead, 0.001))
        out.send(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
