"""One catalogue of what users read, in Chinese and English.

`locales/<room>.toml` holds tables `[section]` of `key = {en = "…", zh = "…"}`; the dotted key is
`section.key`. Texts are `str.format` templates.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
FOLDER = Path(__file__).parent / "locales"


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every text by dotted key and language; raises ValueError on a key given twice or half."""
    texts: dict[str, dict[str, str]] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for section, entries in tomllib.loads(path.read_text("utf-8")).items():
            for key, text in entries.items():
                full = f"{section}.{key}"
                if full in texts:
                    raise ValueError(f"{path.name}: {full} is already in the catalogue")
                if set(text) != set(LANGUAGES):
                    raise ValueError(f"{path.name}: {full} must have exactly {LANGUAGES}")
                texts[full] = text
    return texts


def tr(key: str, language: str, /, **values: object) -> str:
    """The text of `key` in `language`, filled in; raises KeyError for a key nobody wrote."""
    return catalogue()[key][language].format(**values)


def environment_language() -> str:
    """`zh` where the environment's locale is Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
