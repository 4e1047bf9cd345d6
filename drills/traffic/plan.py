"""What an attack of a scene is, before and after it was played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from citywall.i18n import tr
from drills.stage import Stage


class Ends(NamedTuple):
    """Who attacked whom: addresses or prefixes. `spoofed`: the sources never sent it."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    spoofed: bool = False


@dataclass(frozen=True)
class Plan:
    """One attack: when (a share of the scene), what it is, and which detector is to find it."""

    id: str
    at: float
    play: Callable[[Stage, int], Ends]
    kind: str  # class as in capture manifests: scan, bruteforce, dos
    attck: tuple[str, ...]
    detector: str

    def title(self, language: str) -> str:
        """What people call it."""
        return tr(f"drills_attacks.{self.id}", language)
