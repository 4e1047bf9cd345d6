"""Documents escape what stands in them."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from io import BytesIO

from fontTools.ttLib import TTFont
from hypothesis import given, settings
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


@settings(max_examples=15, deadline=None)
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


def test_a_page_carries_the_signs_it_is_set_in_and_names_what_it_cannot_set():
    page = made("演练 \U00030000").page("演练")
    assert "[U+30000]" in page
    font = base64.b64decode(page.partition("base64,")[2].partition(")")[0])
    with TTFont(BytesIO(font)) as signs:
        assert {ord("演"), ord("练")} <= signs.getBestCmap().keys()
    assert page == made("演练 \U00030000").page("演练")
