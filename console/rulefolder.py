"""The data folder's own rules: what `citywall rules update` put there and its runs take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from citywall.settings import Settings
    from rules.sets.folder import RuleFolder

NAME = "rules"
#: A value of `rules.folder` that leaves the data folder's own rules out.
NONE = "none"


def of(data: Path) -> RuleFolder:
    """The folder of rules of a data folder."""
    from rules.sets.folder import RuleFolder

    return RuleFolder(data / NAME)


def joined(settings: Settings, data: Path, *, waits: bool = False) -> Settings:
    """Settings with the data folder's own rules, if there are any and no others are named.

    `waits`: also where there are none, for they may come.
    """
    folder = settings.rules.folder
    if folder == NONE:
        folder = ""
    elif not folder and (waits or (data / NAME / "current").is_file()):
        folder = str((data / NAME).resolve())
    return msgspec.structs.replace(settings, rules=msgspec.structs.replace(settings.rules, folder=folder))


def overrides(indicators: Sequence[Path], sigma: Sequence[Path]) -> list[str]:
    """Options that stand for a settings key, as `--set` would give them."""
    named = (("rules.indicators", indicators), ("rules.sigma", sigma))
    return [f"{key}={json.dumps([str(p.resolve()) for p in paths])}" for key, paths in named if paths]
