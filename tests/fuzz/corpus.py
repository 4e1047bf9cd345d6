"""What fuzzing kept, by target: a line a case, in hexadecimal, and behind a `#` why it is there.

All of it was made here, by `make fuzz`, out of the seeds that stand in `tests/fuzz/targets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "cases"
#: Cases of a target that only reach further than the seeds, and bytes of one: what a quick replay may take.
MOST, LARGEST = 40, 400


def read(target: str) -> list[tuple[bytes, str]]:
    """(input, why) of a target's cases."""
    path = FOLDER / f"{target}.txt"
    if not path.exists():
        return []
    pairs = (line.partition("#") for line in path.read_text("ascii").splitlines() if line.strip())
    return [(bytes.fromhex(raw.strip()), why.strip()) for raw, _, why in pairs]


def write(target: str, cases: Iterable[tuple[bytes, str]]) -> None:
    """Write a target's cases, each once, in order of their bytes."""
    kept = dict(sorted(cases, key=lambda case: bool(case[1])))
    lines = [f"{raw.hex()}{f'  # {why}' if why else ''}\n" for raw, why in sorted(kept.items())]
    path = FOLDER / f"{target}.txt"
    FOLDER.mkdir(exist_ok=True)
    new = path.with_suffix(".tmp")
    new.write_text("".join(lines), "ascii")
    new.replace(path)


def keep(target: str, reached: Sequence[bytes], found: Sequence[tuple[bytes, str]]) -> int:
    """Add what was found, and some of what reached further, short and long; how many cases there are then."""
    cases = read(target)
    known = {raw for raw, _ in cases}
    plain = sum(not why for _, why in cases)
    new = sorted({raw for raw in reached if len(raw) <= LARGEST} - known, key=lambda raw: (len(raw), raw))
    room = max(MOST - plain, 0)
    if len(new) > room:
        new = [new[i * len(new) // room] for i in range(room)]
    cases += [(raw, "") for raw in new]
    cases += [case for case in found if case[0] not in known]
    write(target, cases)
    return len(cases)
