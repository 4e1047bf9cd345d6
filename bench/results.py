"""Results kept, and how they read on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import getitem
from pathlib import Path

from bench.harness import Result

FOLDER = Path(__file__).parent / "results"


def save(result: Result, folder: Path = FOLDER) -> Path:
    """Write one result to `<folder>/<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['name']}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def load(names: Iterable[str], folder: Path = FOLDER) -> dict[str, Result]:
    """The results kept, by name, in the order given; what was never measured is left out."""
    found = {}
    for name in names:
        path = folder / f"{name}.json"
        if path.exists():
            found[name] = json.loads(path.read_text("utf-8"))
    return found


def cost(seconds: float) -> str:
    """Seconds a packet in the unit that fits: `29.8 ns`, `8,120 ns`."""
    nanoseconds = seconds * 1e9
    return f"{nanoseconds:,.1f} ns" if nanoseconds < 100 else f"{nanoseconds:,.0f} ns"


def times(ratio: float) -> str:
    """A ratio as `312x`."""
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.1f}x" if ratio >= 10 else f"{ratio:.2f}x"


def readable(result: Result) -> str:
    """A result for the terminal: CPU a packet, its spread, wall, start-up, ratio."""
    lines = [f"{result['name']}  ({result['unit']}, {result.get('figure', 'least')} of {result['repeats']})"]
    lines += _lines(result, "citywall", ("ours",), {})
    for peer, ratios in result["ratios"].items():
        lines += _lines(result, peer, ("peers", peer), ratios)
    lines += [f"  {case}: {_extra(result['ours'][case], unit)}" for case, unit in result["units"].items()]
    lines += [f"  {note}" for note in result.get("notes", ())]
    lines += [f"  {peer} is absent: {obtain}" for peer, obtain in result["absent"].items()]
    return "\n".join(lines)


def _lines(result: Result, name: str, at: tuple[str, ...], ratios: dict[str, float]) -> Iterator[str]:
    """One line a case; `at` is the subject's place in any part of the result."""

    def pick(part: Result) -> Result:
        return reduce(getitem, at, part)

    for case, packets in pick(result["packets"]).items():
        ratio = f"  {times(ratios[case])}" if case in ratios else ""
        more = ""
        if "spread" in result:  # what runs inside the benchmark's own process has no start-up
            more = (
                f" +{pick(result['spread'])[case]['cpu']['relative']:.0%}  "
                f"wall {cost(pick(result['wall'])[case]):>11}  "
                f"start-up {pick(result['startup'])[case]['wall']:.2f} s"
            )
        yield f"  {name:10} {case:>5} {cost(pick(result)[case]):>11}{more}  {packets:,} packets{ratio}"


def _extra(value: float, unit: str) -> str:
    return f"{value / (1 << 20):,.0f} MiB ({unit})" if unit.startswith("bytes") else f"{value:.3f} ({unit})"
