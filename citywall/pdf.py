"""PDF from a template in typst's language and plain data: the same input, the same bytes.

Templates see the data as `data` and the language as `lang`; they set what they like but the fonts, of which
there is only the one that ships (:mod:`citywall.typeface`). Data is never read as markup, and a template
can reach neither files nor the network.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from citywall import typeface

#: What every template begins with. There is one weight: bold is drawn with a line around.
_HEAD = """\
#let data = json(bytes(sys.inputs.data))
#let lang = sys.inputs.lang
#set text(font: "{family}", lang: lang, fallback: false)
#show strong: set text(weight: 400, stroke: 0.015em)
#show heading: set text(weight: 400, stroke: 0.02em)
"""


def render(source: str, data: Mapping[str, Any], lang: str, *, when: int) -> bytes:
    """The PDF of a template. `when` (ns since the epoch) is the date it bears.

    `data` holds what JSON can. Characters without a sign are named by their code points. Raises ValueError
    where the template has a fault, which is one of the program.
    """
    import typst  # a compiler of 20 MB, which few commands need

    told = json.dumps(_visible(data), ensure_ascii=False, sort_keys=True)
    with tempfile.TemporaryDirectory(prefix="citywall-pdf-") as root:
        place = Path(root)
        main = place / "main.typ"
        main.write_text(_HEAD.format(family=typeface.FAMILY) + source, "utf-8")
        try:
            made = typst.compile(
                str(main),
                root=root,
                font_paths=[str(typeface.FOLDER)],
                ignore_system_fonts=True,
                format="pdf",
                sys_inputs={"data": told, "lang": lang},
                package_path=str(place / "none"),
                package_cache_path=str(place / "none"),
                timestamp=datetime.fromtimestamp(when // 1_000_000_000, UTC),
            )
        except typst.TypstError as e:
            raise ValueError(f"the template cannot be set: {e}") from e
    assert isinstance(made, bytes)
    return made


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return typeface.visible(value)
    if isinstance(value, Mapping):
        return {key: _visible(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_visible(inner) for inner in value]
    return value
