"""What travels instead of packets: a reference to a range of a capture file, and how to read it."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.decode.kernels import INTERFACE


class Interface(msgspec.Struct, frozen=True):
    """How one interface's packets are read. A pcap file has one.

    `link`: link type. `defined`: offset of the description block; packets before it do not know it.
    A time is `ticks * multiply // divide` ns, or with `shift` > 0 ticks of 2**-shift s; plus `offset` ns.
    `snap`: most bytes kept of a packet, 0 for no limit (only simple packet blocks need it).
    """

    link: int
    defined: int = 0
    offset: int = 0
    multiply: int = 1000
    divide: int = 1
    shift: int = 0
    snap: int = 0


class Section(msgspec.Struct, frozen=True):
    """All that is needed to decode a block without reading elsewhere in its file."""

    format: str  # "pcap" or "pcapng"
    big_endian: bool
    interfaces: tuple[Interface, ...]

    def table(self) -> NDArray[np.void]:
        """The interfaces as the kernels take them: INTERFACE[n], n at least 1."""
        rows = np.zeros(max(1, len(self.interfaces)), INTERFACE)
        for i, each in enumerate(self.interfaces):
            fill_interface(rows, i, each)
        return rows


class BlockRef(msgspec.Struct, frozen=True):
    """A range of a capture file that holds whole records of one section.

    `path` is the file the user named; offsets of a compressed file are in its inflated form, which
    `ingest.capture.open_capture` makes again wherever the reference is read. Row i of the block is frame
    `first_frame + i`. `digest` covers record headers and their places. `errors` counts what the walk met
    since the block before, `skipped` the bytes it had to leave out; a block with no packets only carries
    those. `places` are (error, offset) of the first few of a file. `newest` is the largest packet time (ns).
    """

    session: str
    path: str
    index: int
    offset: int
    length: int
    packets: int
    first_frame: int
    digest: int
    newest: int
    section: Section
    errors: dict[str, int] = {}
    skipped: int = 0
    places: tuple[tuple[str, int], ...] = ()


class InlineBlock(msgspec.Struct, frozen=True):
    """A block with its bytes, from where the file cannot be read here: a view, for blocks are not small."""

    block: BlockRef
    data: memoryview


def fill_interface(rows: NDArray[np.void], i: int, interface: Interface) -> None:
    """Write `interface` into row `i` of INTERFACE[n]."""
    for name in INTERFACE.names or ():
        rows[name][i] = getattr(interface, name)
