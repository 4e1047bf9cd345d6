"""The scenarios that ship: one file each, one line here.

Their names and titles give nothing away: a trainee sees them.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "scenarios"
#: One line a scenario.
SHIPPED = (
    "north-gate",  # scan, password guessing and theft of data from outside
    "drum-tower",  # the public portal drowned, then its whole prefix
    "night-watch",  # a client that was taken over: beacon, DNS tunnel, search for neighbours
)


def find(name: str) -> Path | None:
    """The file of a shipped scenario; None for any other name."""
    return _FOLDER / f"{name}.yaml" if name in SHIPPED else None
