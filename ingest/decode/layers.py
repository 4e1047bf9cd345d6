"""What is around packets that travel in tunnels, for those who look at every layer by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET, REBUILT
from ingest.decode import kernels

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]


def with_layers(packets: Rows, buffer: NDArray[np.uint8], links: Numbers) -> tuple[Rows, Numbers | None]:
    """Decoded packets (PACKET[n]), each with the packets around it behind it, the innermost first.

    With them the row that each is of (i8[m]); None where they are the same, since nothing travels in a
    tunnel. Their records are in `buffer`, their link types among `links`;
    those of a link type that Scapy reads stay alone, and so do datagrams that were put together
    (`of_rebuilt`). Of the packets around only UDP has a payload: what others hold is the packet inside.
    """
    return _with(packets, buffer, packets["vlan"], links, rebuilt=False)


def of_rebuilt(
    packets: Rows, buffer: NDArray[np.uint8], vlans: NDArray[np.uint32]
) -> tuple[Rows, Numbers | None]:
    """The same of datagrams that were put together; `vlans` (u4[n]) are those of their fragments."""
    return _with(packets, buffer, vlans, np.zeros(0, np.int64), rebuilt=True)


def _with(
    packets: Rows, buffer: NDArray[np.uint8], vlans: NDArray[np.uint32], links: Numbers, *, rebuilt: bool
) -> tuple[Rows, Numbers | None]:
    if not packets["depth"].any():
        return packets, None
    inside = (packets["depth"] > 0) & (((packets["marks"] & REBUILT) != 0) == rebuilt)
    if not inside.any():
        return packets, None
    most = len(packets) + int(packets["depth"][inside].sum(dtype=np.int64))
    rows, of = np.empty(most, PACKET), np.empty(most, np.int64)
    view = buffer.view()
    view.flags.writeable = False
    with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
        n = kernels.decode_layers(view, packets, vlans.astype(np.int64), links, rebuilt, rows, of)
    return rows[:n], of[:n]


def chosen(values: Numbers, of: Numbers | None) -> Numbers:
    """What belongs to rows, for the rows that they became."""
    return values if of is None else values[of]


def compile_layers() -> None:
    """Compile the kernel, where that has to be: captures without tunnels never run it."""
    inside = np.zeros(1, PACKET)
    inside["depth"] = 1
    with_layers(inside, np.zeros(64, np.uint8), np.ones(1, np.int64))
