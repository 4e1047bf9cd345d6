"""The catalogue of clauses that the report has rows for: `clauses.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec

STANDARD = "GB/T 22239-2019"


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clause. `levels` of protection ask for it; `checked`: its text was compared with the standard."""

    id: str
    levels: tuple[int, ...]
    control: dict[str, str]
    text: dict[str, str]
    rule: str
    checked: bool = False


@cache
def catalogue() -> tuple[Clause, ...]:
    """Every clause, in order of the standard."""
    text = resources.files("reports").joinpath("clauses.toml").read_text("utf-8")
    return tuple(msgspec.convert(tomllib.loads(text)["clause"], tuple[Clause, ...]))
