"""The console over a store of many alerts: how long it takes to open the list, and to move in it."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

#: Moves that are timed, of each kind.
MOVES = 200
_SIZE = (160, 50)
_PATIENCE_S = 120.0


def fill(folder: Path, count: int) -> None:
    """Put `count` alerts into the embedded store of a data folder, through its bulk path."""
    from itertools import islice

    from alerts.embedded import EmbeddedStore
    from bench.ours.alerts import documents

    store = EmbeddedStore(folder / "alerts")
    left = map(_slim, documents(count))
    while batch := list(islice(left, 10_000)):
        store.upsert(batch)
    store.close()


def _slim(document: dict[str, Any]) -> dict[str, Any]:
    """With one piece of evidence: what matters is how many alerts there are."""
    own = document["citywall"]
    targets = {**own["targets"], "sample": own["targets"]["sample"][:1]}
    return {
        **document,
        "related": {"ip": document["related"]["ip"][:2]},
        "citywall": {**own, "evidence": own["evidence"][:1], "targets": targets},
    }


async def measure(folder: Path) -> dict[str, float]:
    """CPU and wall seconds to open the list and to move in it, and the most memory (bytes) held."""
    from citywall.settings import load
    from console.app.application import Console
    from console.app.views.alerts import AlertsView
    from console.sources import Sources
    from console.workdesk import Desk

    settings = load(None, environment={})
    sources = Sources(folder, settings)
    app = Console(sources, Desk(folder, settings), "en", ("status", ""))
    found: dict[str, float] = {}
    async with app.run_test(size=_SIZE) as pilot:
        await pilot.pause(1.0)
        wall, cpu = time.perf_counter(), time.process_time()
        app.jump("alerts")
        limit = time.monotonic() + _PATIENCE_S
        while not (isinstance(view := app.view, AlertsView) and view.is_mounted and view.grid.window.rows):
            if time.monotonic() > limit:
                raise TimeoutError("the list of alerts did not open")
            await asyncio.sleep(0.001)
        found["open"], found["open_wall"] = time.process_time() - cpu, time.perf_counter() - wall
        grid = view.grid
        for name, move in (("move", grid.action_move), ("page", grid.action_page)):
            cpus, walls = [], []
            for _ in range(MOVES):
                wall, cpu = time.perf_counter(), time.process_time()
                move(1)
                for y in range(grid.size.height):
                    grid.render_line(y)
                cpus.append(time.process_time() - cpu)
                walls.append(time.perf_counter() - wall)
                await asyncio.sleep(0.02)
            found[name], found[f"{name}_wall"] = statistics.median(cpus), statistics.median(walls)
            found[f"{name}_most"] = max(cpus)
        found["rows"] = float(len(grid.window.rows))
        found["reached"] = float(grid.cursor)
    sources.close()
    found["memory"] = float(_most_memory())
    return found


def _most_memory() -> int:
    """Most bytes resident since the process began (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """`python -m bench.ours.console FOLDER`: a process of its own, for its memory is measured."""
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
