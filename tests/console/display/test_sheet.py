from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.display.sheet import Section, layout, plain
from console.display.table import Column
from console.text import width

WORDS = st.text(st.sampled_from("ab 中文，。x1"), max_size=60)


def test_labels_stand_in_a_column_and_values_wrap_beside_it():
    section = Section("来源")
    section.say("address", "10.0.0.5")
    section.say("单位", "大数据局 " * 9)
    section.say("nothing", "")
    assert plain(layout([section], 38)) == [
        "来源", "  address  10.0.0.5", "  单位     大数据局 大数据局 大数据局",
        *["           大数据局 大数据局 大数据局"] * 2,
    ]  # fmt: skip


def test_facts_stand_abreast_where_there_is_room():
    section = Section(facts=[("a", "1"), ("二", "22"), ("c", "3"), ("d", "4")])
    assert plain(layout([section], 80)) == ["  a   1    二  22   c   3", "  d   4"]
    assert len(layout([section], 12)) == 4


def test_sections_without_content_are_left_out():
    table = Section("t", columns=[Column("x", right=True)], rows=[["1"], ["22"]])
    assert plain(layout([Section("empty"), Section(prose=["one"]), table], 20)) == [
        "  one", "", "t", "   x", "   1", "  22",
    ]  # fmt: skip


@given(st.lists(st.tuples(WORDS, WORDS), max_size=4), st.lists(WORDS, max_size=3), st.integers(50, 120))
def test_no_line_is_wider_than_there_is_room(pairs: list[tuple[str, str]], prose: list[str], cells: int):
    section = Section("标题", prose=prose)
    for label, value in pairs:
        section.say(label, value)
    assert all(width(line) <= cells for line in plain(layout([section], cells)))
