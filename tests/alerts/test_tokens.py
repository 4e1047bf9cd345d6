from __future__ import annotations

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import tokens
from alerts.sqlfilter import fts_phrase

TEXTS = st.text(alphabet="aB1 .:\0网络扫描é–：", max_size=12)


def test_chinese_becomes_pairs() -> None:
    assert tokens.index_tokens("网络扫描 SSH-22端口") == [
        "网络",
        "络扫",
        "扫描",
        "描",
        "ssh",
        "22",
        "端口",
        "口",
    ]


def test_one_character_is_a_beginning() -> None:
    assert tokens.query_tokens("扫") == (["扫"], True)
    assert tokens.query_tokens("扫描") == (["扫描"], False)
    assert tokens.query_tokens("扫描ssh") == (["扫描", "描", "ssh"], False)


@given(st.text(alphabet="网络扫描探测", min_size=1, max_size=12), st.data())
def test_any_part_of_a_chinese_text_is_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    phrase, prefix = tokens.query_tokens(part)
    assert tokens.holds(tokens.index_tokens(text), phrase, prefix)


@given(
    st.text(alphabet="网络扫描", min_size=1, max_size=8), st.text(alphabet="网络扫描", min_size=1, max_size=4)
)
def test_chinese_is_found_exactly_where_it_stands(text: str, part: str) -> None:
    phrase, prefix = tokens.query_tokens(part)
    assert tokens.holds(tokens.index_tokens(text), phrase, prefix) == (part in text)


@settings(max_examples=150)
@given(st.lists(TEXTS, max_size=3), TEXTS)
def test_sqlite_finds_what_we_find(texts: list[str], wanted: str) -> None:
    phrase, prefix = tokens.query_tokens(wanted)
    if not phrase:
        return
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = 'ascii')")
    connection.execute("INSERT INTO words VALUES (?)", (tokens.joined(texts),))
    sql = "SELECT count(*) FROM words WHERE words MATCH ?"
    (found,) = connection.execute(sql, (fts_phrase(tuple(phrase), prefix),)).fetchone()
    connection.close()
    assert bool(found) == any(tokens.holds(tokens.index_tokens(t), phrase, prefix) for t in texts)


def test_no_phrase_crosses_texts() -> None:
    body = tokens.joined(["one two", "three"]).split()
    assert tokens.holds(body, ["one", "two"], False)
    assert not tokens.holds(body, ["two", "three"], False)


@settings(max_examples=60)
@given(st.text(st.sampled_from("aß1_ .:–：网络é한𠀀ï") | st.characters(codec="utf-8"), max_size=16))
def test_pieces_give_the_tokens_of_the_whole(text: str) -> None:
    assert tokens.index_tokens(text) == tokens._all_tokens(tokens.fold(text))
