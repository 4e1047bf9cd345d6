from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from fontTools.ttLib import TTFont

from posture.facts import Touched
from reports.html import page
from reports.nightly import build
from reports.view import view


class Checked(HTMLParser):
    """Notes unclosed elements, and whatever would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        assert tag not in {"script", "link", "img", "iframe"}
        self.fetched += [v for k, v in attrs if k in {"src", "href"} and not v.startswith("#")]

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_file_that_needs_nothing_else(inputs: Any, fact: Any, language: str):
    data = page(view(build(inputs(fact())), language))
    assert data == page(view(build(inputs(fact())), language))
    text = data.decode()
    checked = Checked(text)
    assert (checked.open, checked.fetched) == ([], [])
    assert not re.search(r"url\((?!data:)", text)
    font = base64.b64decode(re.search(r"data:font/woff;base64,([^)]+)\)", text)[1])
    signs = set(TTFont(BytesIO(font)).getBestCmap())
    assert {c for c in "".join(checked.words) if ord(c) not in signs and not c.isspace()} == set()


def test_names_from_the_network_are_text(inputs: Any, fact: Any):
    hostile = '<img src=x onerror="alert(1)">'
    facts = inputs(
        fact(
            source=hostile, gb_subclass=hostile, rule=hostile, touched=(Touched("origin", hostile, hostile),)
        )
    )
    text = page(view(build(facts), "en")).decode()
    assert "<img" not in text
    assert "&lt;img" in text
    Checked(text)
