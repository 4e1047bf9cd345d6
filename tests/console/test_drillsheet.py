from __future__ import annotations

from typing import Any

from console import drillsheet
from console.display.sheet import layout, plain
from drills.document import Document


def test_a_document_becomes_sections():
    told = Document("en")
    told.heading(1, "Score\x1b[2J")
    told.text("two\nlines")
    told.pairs([("coverage", "1.0"), ("empty", "")])
    told.table(("attack", "found"), [("ports", "yes")])
    told.table(("who", "when"), [("li", "10 s")])
    told.table(("nothing",), [])
    sections: list[Any] = drillsheet.blocks(told.blocks)
    text = "\n".join(plain(layout(sections, 80)))
    for words in ("Score", "two", "lines", "coverage", "1.0", "attack", "ports", "who", "10 s"):
        assert words in text
    assert "nothing" not in text
    assert "\x1b" not in text
