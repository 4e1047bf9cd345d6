"""What the makers of every kind of model share: the card's constant parts, and versions."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from numpy.typing import NDArray

from models.modelfile import SCHEMA, Card

Arrays = dict[str, NDArray[Any]]


def card(kind: str, now: str, **told: Any) -> Card:
    """A card of this schema, with the versions that made it. `now` is UTC, ISO 8601."""
    return Card(kind=kind, schema=SCHEMA, created=now, versions=versions(), **told)


def versions() -> dict[str, str]:
    """What a model was made with."""
    names = ("citywall", "scikit-learn", "numpy")
    return {name: metadata.version(name) for name in names} | {"python": platform.python_version()}
