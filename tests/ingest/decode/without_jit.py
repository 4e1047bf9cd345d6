"""Run with NUMBA_DISABLE_JIT=1: decode and walk hostile input in plain Python, loads bounds-checked.

Arguments: the project's root, a file to write. Prints the rows of each capture.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
sys.path.insert(0, str(ROOT))

from citywall.domains import Domains, DomainSettings  # noqa: E402
from citywall.kernels import JIT  # noqa: E402
from ingest.capture import decode_block, kernels, link_events, open_capture  # noqa: E402


def load(name):
    path = ROOT / "tests" / "ingest" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    assert not JIT
    tests, writing, plain = (
        load("decode/test_kernels.py"),
        load("capture/writing.py"),
        load("decode/plain.py"),
    )
    kernels._LANE_BYTES = 64  # read at run time here: small files are walked in lanes too
    rng = random.Random(4)
    records = [tests.record(rng) for _ in range(250)]
    tests.compare(records, writing, plain)
    for make in (writing.pcap, writing.pcapng):
        sound = make(
            [writing.Record(tests.T0 + i, d, max(len(d), x) % 2000) for i, (_, d, x) in enumerate(records)]
        )
        data = bytearray(sound)
        for _ in range(12):
            data[rng.randrange(60, len(data))] = rng.randrange(256)
        path = Path(sys.argv[2])
        path.write_bytes(data[:-3])
        rows = 0
        with open_capture(path) as file:
            for ref in file.blocks(4096):
                for packets in decode_block(ref, file.buffer, 64):
                    link_events(file.buffer, packets, 1, Domains(DomainSettings()))
                    rows += len(packets)
        print(rows)


if __name__ == "__main__":
    main()
