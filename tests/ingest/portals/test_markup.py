"""The reader of HTML: what it makes of sound markup, and that hostile markup takes it nowhere."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.portals import markup
from ingest.portals.markup import Tag, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<b>c</b>", ["a", Tag("b", {}), "c", Tag("b", {}, end=True)]),
        ("<A HREF=x Title='a&amp;b' q>", [Tag("a", {"href": "x", "title": "a&b", "q": ""})]),
        ('<a href = "1" href="2">', [Tag("a", {"href": "1"})]),
        ("<!-- <a> -->x", ["x"]),
        ("<!doctype html><?xml?>x", ["x"]),
        (
            "<script src=a>if (a<b) '</div>'</script>x",
            [Tag("script", {"src": "a"}, inside="if (a<b) '</div>'"), "x"],
        ),
        ("<title>a<b></TITLE >c", [Tag("title", {}, inside="a<b>"), "c"]),
        ("1 < 2", ["1 ", "<", " 2"]),
        ("<br/><img src=a/>", [Tag("br", {}), Tag("img", {"src": "a/"})]),
        ("&lt;a&#x4e00;", ["<a一"]),
        ("<a b", [Tag("a", {"b": ""})]),
        ("<script>never ends", [Tag("script", {}, inside="never ends")]),
        ("</3>x", ["<", "/3>x"]),
    ],
)
def test_tags_and_texts(text: str, expected: list[Tag | str]) -> None:
    assert list(tokens(text)) == expected


PIECES = ("<", ">", "</", "<!--", "-->", "<a ", "href=", '"', "'", "=", "/", " ", "<script>", "</script",
          "<style", "x", "&#", ";", "<b", "\0", "\n", "<title>", "é", "一")  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=200).map("".join) | st.text(max_size=300))
def test_anything_is_read_to_its_end(text: str) -> None:
    found = list(tokens(text))
    assert len(found) <= len(text) + 1
    assert all(isinstance(token, str) or (token.name and len(token.name) <= 64) for token in found)


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        '<a b="',
        "<a ' ",
        "<!--",
        "<a b=c ",
        "</x",
        "<script>",
        "&#x",
        "<a " + " " * 50,
        "<title><",
        "=\"'<a",
    ],
)
def test_four_times_as_much_takes_no_more_than_a_few_times_as_long(piece: str) -> None:
    """Characters are looked at a bounded number of times: a quadratic reader takes sixteen times as long."""

    def cost(n: int) -> float:
        text, best = piece * n, 9e9
        for _ in range(3):
            began = time.process_time()
            for _ in tokens(text):
                pass
            best = min(best, time.process_time() - began)
        return best

    n = 60_000 // len(piece)
    assert cost(4 * n) < 10 * cost(n) + 0.05


def test_no_more_than_so_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_TOKENS", 10)
    assert len(list(tokens("<a>" * 50))) == 10
