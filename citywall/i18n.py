"""One catalogue of what users read, in Chinese and English.

`locales/<room>.toml` holds tables `[section]` of `key = {en = "…", zh = "…"}`; the dotted key is
`section.key`. Texts are `str.format` templates.
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
FOLDER = Path(__file__).parent / "locales"


#: Where a section begins. Only those are parsed that are asked for: all of them are half of what a command
#: like `--help` takes.
_HEADER = re.compile(r"^\[(\w+)\]", re.MULTILINE)


@cache
def _pieces() -> dict[str, list[tuple[str, str]]]:
    """Where each section stands: names of files, and what they say of it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        text = path.read_text("utf-8")
        heads = list(_HEADER.finditer(text))
        for head, end in zip(heads, [*(h.start() for h in heads[1:]), len(text)], strict=True):
            found.setdefault(head[1], []).append((path.name, text[head.start() : end]))
    return found


@cache
def _section(name: str) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for file, piece in _pieces()[name]:
        for key, text in tomllib.loads(piece)[name].items():
            if key in texts:
                raise ValueError(f"{file}: {name}.{key} is already in the catalogue")
            if set(text) != set(LANGUAGES):
                raise ValueError(f"{file}: {name}.{key} must have exactly {LANGUAGES}")
            texts[key] = text
    return texts


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every text by dotted key and language; raises ValueError on a key given twice or half."""
    return {f"{name}.{key}": text for name in _pieces() for key, text in _section(name).items()}


def known(key: str) -> bool:
    """Whether there is such a text."""
    section, _, name = key.partition(".")
    return section in _pieces() and name in _section(section)


def tr(key: str, language: str, /, **values: object) -> str:
    """The text of `key` in `language`, filled in; raises KeyError for a key nobody wrote."""
    section, _, name = key.partition(".")
    return _section(section)[name][language].format(**values)


def environment_language() -> str:
    """`zh` where the environment's locale is Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
