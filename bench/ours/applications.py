"""Streams and application layers over a capture, each part in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.ours.signatures import collecting_as_the_program, packets_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from citywall.applicationsettings import ApplicationSettings

    Batch = tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.uint8]]

#: What is switched off in `read` by name; the rest of a case is what that costs.
WITHOUT: dict[str, dict[str, Any]] = {
    "read": {},
    "read, no hashes": {"hashes": False},
    "read, nothing inflated": {"inflate_layers": 0},
    "read, neither": {"hashes": False, "inflate_layers": 0},
}
_BLOCK, _BATCH, _PIECE = 8 << 20, 4096, 16_384


def report(case: str, capture: str, warm: str) -> dict[str, Any]:
    """CPU seconds of a case over a capture: `meter` with decoding, all others without it.

    `streams`: TCP put together, nothing read. `transactions`: everything read and told at the end, as that
    command does. A case of `WITHOUT`: everything read and told as it grows, as signatures read it.
    """
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # as `console.cli` has it, before NumPy is there
    work = meter if case == "meter" else streams if case == "streams" else reading(case)
    work(warm)  # kernels are there
    with collecting_as_the_program():
        clock, told = work(capture)
    return {"packets": packets_of(capture), "cpu": clock.cpu, "wall": clock.wall, "told": told}


class Clock:
    """Seconds of the processor and of the wall for what is done within it."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> None:
        self.cpu -= time.process_time()
        self.wall -= time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.cpu += time.process_time()
        self.wall += time.perf_counter()


def meter(path: str) -> tuple[Clock, int]:
    """Decoding and metering; the packets metered."""
    from bench.ours.meter import run

    with (clock := Clock()):
        packets = run(path)
    return clock, packets


def streams(path: str) -> tuple[Clock, int]:
    """Streams put together; the bytes in them."""
    from citywall.applicationsettings import ApplicationSettings
    from ingest.reassembly.streams import Reassembler

    together, clock = Reassembler(ApplicationSettings(), joined=True), Clock()
    size = piece = 0
    for rows, frames, held in batches(path):
        with clock:
            size += sum(len(batch.arena) for batch in together.add(rows, frames, held))
            if (piece := piece + len(rows)) >= _PIECE:
                together.new_room()
                piece = 0
    with clock:
        size += sum(len(batch.arena) for batch in together.end())
    return clock, size


def reading(case: str) -> Callable[[str], tuple[Clock, int]]:
    """Everything read in one of the ways; the transactions told."""
    import msgspec

    from citywall.applicationsettings import ApplicationSettings

    growing = case != "transactions"
    settings = msgspec.structs.replace(ApplicationSettings(), **WITHOUT[case] if growing else {})
    return lambda path: _read(path, settings, growing=growing)


def _read(path: str, settings: ApplicationSettings, *, growing: bool) -> tuple[Clock, int]:
    from ingest.applications.analysis import Analyser

    analyser, clock = Analyser(settings, growing=growing), Clock()
    told = piece = 0
    for rows, frames, held in batches(path):
        with clock:
            analyser.add(rows, frames, held)
            if growing and (piece := piece + len(rows)) >= _PIECE:
                told += len(analyser.tables().transactions)
                piece = 0
    with clock:
        analyser.end()
        told += len(analyser.tables().transactions)
    return clock, told


def batches(path: str) -> Iterator[Batch]:
    """Packets of a capture as `stream.matching` gives them on: with their tunnels, fragments together."""
    import numpy as np

    from citywall.fragmentsettings import FragmentSettings
    from ingest.capture import open_capture
    from ingest.decode import decode_block
    from ingest.decode.layers import chosen, of_rebuilt, with_layers
    from ingest.fragments.assembler import Assembler

    assembler, layer = Assembler(FragmentSettings()), 1
    with open_capture(Path(path)) as capture:
        for ref in capture.blocks(_BLOCK):
            frame = ref.first_frame
            for packets in decode_block(ref, capture.buffer, _BATCH):
                layers, of = with_layers(packets, capture.buffer, np.ones(1, np.int64))
                made = assembler.add(layers, layer, capture.buffer)
                rows, held = made.readable(capture.buffer)
                rows, within = of_rebuilt(rows, held, layers["vlan"]) if len(made.tail) else (rows, None)
                frames = chosen(chosen(np.arange(frame, frame + len(packets)), of), within)
                yield rows, frames, held
                layer += len(layers)
                frame += len(packets)
