"""What a check is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from citywall.settings import Settings

State = Literal["good", "lacking", "broken"]


class Found(NamedTuple):
    """One finding: `text` is a key of the catalogue below `doctor.`, with its values.

    `lacking`: something cannot be done here, the rest can. `broken`: Citywall cannot work as it is.
    """

    state: State
    text: str
    values: dict[str, object]


@dataclass(frozen=True)
class World:
    """Where Citywall is to work."""

    data: Path
    settings: Settings


#: Looks at one thing; it changes nothing and raises nothing.
Check = Callable[[World], Iterator[Found]]


def good(text: str, **values: object) -> Found:
    """It is as it is to be."""
    return Found("good", text, values)


def lacking(text: str, **values: object) -> Found:
    """Something cannot be done here."""
    return Found("lacking", text, values)


def broken(text: str, **values: object) -> Found:
    """Citywall cannot work so."""
    return Found("broken", text, values)
