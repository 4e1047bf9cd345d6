"""Reads blocks: references in, packet batches out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, PACKET, REASONS
from citywall.domains import Domains
from citywall.errors import InputError
from citywall.scratch import Scratch
from ingest.decode import kernels
from ingest.decode.blocks import BlockRef
from ingest.decode.counts import DecodeCounts
from ingest.decode.kernels import LINK_TYPE_UNKNOWN

# One step of a block: (offset, digest, rows to fill) to (rows filled, offset, digest).
_Step = Callable[[int, np.uint64, NDArray[np.void]], tuple[int, int, int]]


def decode_block(
    ref: BlockRef,
    buffer: NDArray[np.uint8],
    batch_packets: int,
    counts: DecodeCounts | None = None,
    room: Scratch | None = None,
) -> Iterator[NDArray[np.void]]:
    """Decode the records of `ref` out of `buffer` (u1, the whole file): PACKET arrays, in file order.

    Every record is a row; what could not be decoded says so in `status` and `reason`. Each array has
    `batch_packets` rows but the last. Every batch is new: keep it or drop it; in `room` (of PACKET), where
    that is given, each is overwritten by the next. `counts` takes what the walk and the decode met. Raises
    InputError where the file is not the one that was walked: its size or a record header differs (the latter
    is known for certain once the block's last batch is asked for).
    """
    end = ref.offset + ref.length
    if end > len(buffer):
        raise InputError(ref.path, "the file became shorter while it was read", offset=len(buffer))
    buffer = _read_only(buffer)
    links = np.full(batch_packets, ref.section.interfaces[0].link if ref.section.interfaces else 0, np.int32)
    reasons = np.zeros(len(REASONS), np.int64)
    bad = reasons[1:]
    counts = DecodeCounts() if counts is None else counts
    counts.add(ref.errors)
    counts.skipped_bytes += ref.skipped
    step = _stepper(ref, buffer, end, links, reasons)
    at, digest, left = ref.offset, np.uint64(0), ref.packets
    while left > 0:
        size = min(batch_packets, left)
        rows = np.empty(size, PACKET) if room is None else room.take(size)
        n, at, step_digest = step(at, digest, rows)
        digest = np.uint64(step_digest)
        left -= n
        if n < len(rows) or (left == 0 and int(digest) != ref.digest):
            raise InputError(ref.path, "the file changed while it was read", offset=ref.offset)
        if reasons[LINK_TYPE_UNKNOWN]:
            counts.slow_path += _slowly(buffer, rows, links, reasons)
        counts.packets += n
        if bad.any():
            counts.add_reasons(reasons)
            reasons[:] = 0
        yield rows


def _stepper(
    ref: BlockRef,
    buffer: NDArray[np.uint8],
    end: int,
    links: NDArray[np.int32],
    reasons: NDArray[np.int64],
) -> _Step:
    section = ref.section
    big = section.big_endian
    if section.format == "pcap":
        multiply, link = section.interfaces[0].multiply, section.interfaces[0].link

        def pcap(at: int, digest: np.uint64, rows: NDArray[np.void]) -> Any:
            return kernels.decode_pcap(buffer, at, end, digest, big, multiply, link, rows, reasons)

        return pcap

    table, known = section.table(), len(section.interfaces)

    def pcapng(at: int, digest: np.uint64, rows: NDArray[np.void]) -> Any:
        return kernels.decode_pcapng(buffer, at, end, digest, big, table, known, rows, links, reasons)

    return pcapng


def _slowly(
    buffer: NDArray[np.uint8],
    rows: NDArray[np.void],
    links: NDArray[np.int32],
    reasons: NDArray[np.int64],
) -> int:
    from ingest.decode.slow import decode_slowly  # brings Scapy in

    return decode_slowly(buffer, rows, links, reasons)


def link_events(
    buffer: NDArray[np.uint8],
    packets: NDArray[np.void],
    first_frame: int,
    domains: Domains,
) -> NDArray[np.void]:
    """Address resolution among `packets` (PACKET[n], decoded from `buffer`): EVENT array, in file order.

    ARP requests and replies (RFC 826), neighbour solicitations and advertisements (RFC 4861). Row i of
    `packets` is frame `first_frame + i`; times are the packets' own.
    """
    found = np.empty(len(packets), np.int64)
    found = found[: kernels.find_link_rows(packets, found)]
    events = np.zeros(len(found), EVENT)
    if len(found) == 0:
        return events
    n = kernels.link_events(
        _read_only(buffer), packets, found, first_frame,
        domains.vlan_keys, domains.vlan_domains, domains.by_vlan, events,
    )  # fmt: skip
    return events[:n]


def _read_only(buffer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A view the kernels are compiled for: mapped files are read-only, so everything is."""
    view = buffer.view()
    view.flags.writeable = False
    return view
