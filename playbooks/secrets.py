"""Secrets of other systems: a file each in a folder of the settings, never in a playbook, a run or a log."""

from __future__ import annotations

import re
from pathlib import Path

from playbooks.actions.base import Failed, World

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST = 8192


def secret(name: str, world: World) -> str:
    """The first line of the file `name`; raises Failed."""
    folder = world.settings.playbooks.secrets
    if not folder or not _NAME.fullmatch(name):
        raise Failed("no_secret", name=name[:100])
    try:
        with (Path(folder) / name).open(encoding="utf-8") as file:
            text = file.readline(_MOST).strip()
    except (OSError, UnicodeDecodeError) as e:
        raise Failed("no_secret", name=name) from e
    if not text:
        raise Failed("no_secret", name=name)
    return text
