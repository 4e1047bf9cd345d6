"""Replay seeds and corpora; with NUMBA_DISABLE_JIT=1 in plain Python, every access bounds-checked.

    python tests/fuzz/replay.py MODULE…

Prints how many inputs of how many targets went through, or what went wrong with which.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fuzz import corpus
from tests.fuzz.targets import Target, load

#: Processor seconds that one input may take, with the JIT off: far beyond what any does.
SLOWEST = 10.0


def replay(module: str) -> tuple[int, int]:
    """Run every input of a module's targets; (targets, inputs)."""
    found = load(module)
    inputs = 0
    for name, target in found.items():
        for raw in [*target.seeds, *(raw for raw, _ in corpus.read(name))]:
            try:
                # What is slow once may have compiled a kernel.
                slow = _seconds(target, raw) >= SLOWEST and _seconds(target, raw) >= SLOWEST
            except Exception as e:
                raise AssertionError(f"{name}: {raw.hex()}") from e
            assert not slow, f"{name} is slow: {raw.hex()}"
            inputs += 1
    return len(found), inputs


def _seconds(target: Target, raw: bytes) -> float:
    began = time.process_time()
    target.run(raw)
    return time.process_time() - began


def main() -> None:
    """Replay the modules that are named."""
    import numpy as np

    from citywall.kernels import JIT

    assert not JIT
    np.seterr(over="ignore")  # hashes wrap on purpose
    for module in sys.argv[1:]:
        print(module, *replay(module))


if __name__ == "__main__":
    main()
