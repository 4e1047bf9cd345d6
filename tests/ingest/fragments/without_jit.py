"""Run with NUMBA_DISABLE_JIT=1: fragments of hostile packets in plain Python, every access bounds-checked.

Argument: the project's root. Prints how many datagrams were put together.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
sys.path.insert(0, str(ROOT))

from citywall.fragmentsettings import FragmentSettings  # noqa: E402
from citywall.kernels import JIT  # noqa: E402
from ingest.fragments.assembler import Assembler  # noqa: E402

spec = importlib.util.spec_from_file_location("scenes", Path(__file__).with_name("test_assembler.py"))
assert spec is not None
assert spec.loader is not None
scenes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scenes)


def broken(rng, packets):
    """Bytes changed, anywhere in the headers."""
    for time, data, cut in packets:
        changed = bytearray(data)
        for _ in range(rng.choice([0, 1, 2, 6])):
            changed[rng.randrange(min(60, len(changed)))] = rng.randrange(256)
        yield time, bytes(changed), min(cut, rng.choice([9999, 9999, 30]))


def main() -> None:
    assert not JIT
    rng, made = random.Random(3), 0
    for turn in range(25):
        packets = scenes.scene(rng)
        rows, buffer = scenes.capture(list(broken(rng, packets)) if turn % 2 else packets)
        setting = FragmentSettings(policy=rng.choice(scenes.POLICIES), memory_mib=1)
        _, whole, _, _ = scenes.told(Assembler(setting), rows, buffer, [len(packets) // 2])
        made += len(whole)
    print(made)


if __name__ == "__main__":
    main()
