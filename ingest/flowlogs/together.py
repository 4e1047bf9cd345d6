"""Logs of a folder read together: whose next lines are the earliest comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush

import msgspec

from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.flowlogs.files import ChunkRef


def together(
    logs: Sequence[Iterator[ChunkRef]], begins: Callable[[ChunkRef], int | None]
) -> Iterator[ChunkRef]:
    """The chunks of all `logs`, numbered anew, about in order of time.

    `begins` gives the time (ns) of a chunk's first row, None where it has none. Each chunk names its log and
    says whether it is that log's last, and from when on logs that nothing was read of yet may tell (`ahead`):
    by that a reader knows how far it may go.
    """
    waiting: list[tuple[int, int, ChunkRef]] = []
    for log, chunks in enumerate(logs):
        if (ref := next(chunks, None)) is not None:
            began = begins(ref)
            waiting.append((BEGINNING if began is None else began, log, ref))
    firsts = [(time, log) for time, log, _ in waiting]
    heapify(waiting)
    heapify(firsts)
    begun: set[int] = set()
    index = 0
    while waiting:
        time, log, ref = heappop(waiting)
        begun.add(log)
        following = next(logs[log], None)
        if following is not None:
            began = begins(following)
            heappush(waiting, (time if began is None else max(time, began), log, following))
        while firsts and firsts[0][1] in begun:
            heappop(firsts)
        ahead = firsts[0][0] if firsts else END_OF_TIME
        yield msgspec.structs.replace(
            ref, index=index, folder=True, log=log, last=following is None, ahead=ahead
        )
        index += 1
