"""Documents escape what stands in them."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from drills.document import Document


def made(text: str) -> Document:
    told = Document("zh")
    told.heading(2, text)
    told.text(text)
    told.text("  ")
    told.table(("a", "b"), [(text, "x")])
    told.pairs([("k", text), ("none", "")])
    return told


def test_markdown():
    text = made("a|b <i> #1").markdown()
    assert "## a\\|b \\<i\\> \\#1" in text
    assert "| a\\|b \\<i\\> \\#1 | x |" in text
    assert "none" not in text


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells = 0

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.cells += tag == "td"


@given(st.text())
def test_nothing_gets_out_of_its_cell(text: str):
    page = made(text).page(text)
    tags = Tags()
    tags.feed(page)
    assert tags.tags <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h2",
        "p",
        "br",
        "table",
        "tr",
        "th",
        "td",
    }
    assert tags.cells == (4 if text else 2)
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')
