"""What is fuzzed: one file a kind of input, each with what fuzzing begins with and what is done with bytes.

A module has `ROOMS` (what is instrumented) and `targets()`, a dictionary of `Target`s by name; it imports
parsers only there, so that whoever fuzzes can have them instrumented.
"""

from __future__ import annotations

import atexit
import importlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Parts of an input, as datagrams, packets or turns of a conversation, are cut here.
CUT = b"\xfe\xed"


@dataclass(frozen=True)
class Target:
    """`run` does with bytes what would be done with them, and raises where that goes wrong."""

    run: Callable[[bytes], None]
    seeds: Sequence[bytes]


MODULES = (
    "applications",
    "captures",
    "compiled",
    "exports",
    "files",
    "logs",
    "messages",
    "packets",
    "streams",
)


def scratch() -> Path:
    """A folder until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="citywall-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def load(module: str) -> dict[str, Target]:
    """The targets of a module."""
    found: dict[str, Target] = importlib.import_module(f"tests.fuzz.targets.{module}").targets()
    return found


def rooms(module: str) -> tuple[str, ...]:
    """What is instrumented where its targets are fuzzed."""
    named: tuple[str, ...] = importlib.import_module(f"tests.fuzz.targets.{module}").ROOMS
    return named
