from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from console import text
from console.display import table
from console.display.table import Cell, Column

COLUMNS = [
    Column("time", least=5, drop=2),
    Column("标题", least=8),
    Column("path", least=9, middle=True),
    Column("n", right=True, drop=1),
]
ROWS: list[table.Row] = [
    ["12:00:01", Cell("端口扫描", "bold"), "captures/scan/synscan.pcapng", "3"],
    ["12:00:02", Cell("SYN flood", "bold"), "a.pcap", "1,024"],
]


def drawn(width: int) -> list[str]:
    cells = table.fit(COLUMNS, ROWS, width)
    rows = ["".join(piece for piece, _ in table.parts(COLUMNS, row, cells)).rstrip() for row in ROWS]
    return [table.heading(COLUMNS, cells), *rows]


def test_wide_enough_for_everything():
    assert drawn(80) == [
        "time      标题       path                              n",
        "12:00:01  端口扫描   captures/scan/synscan.pcapng      3",
        "12:00:02  SYN flood  a.pcap                        1,024",
    ]


def test_the_widest_is_cut_first():
    assert drawn(50) == [
        "time      标题       path                        n",
        "12:00:01  端口扫描   captur...ynscan.pcapng      3",
        "12:00:02  SYN flood  a.pcap                  1,024",
    ]


def test_columns_go_in_the_stated_order():
    assert drawn(30) == [
        "标题       path              n",
        "端口扫描   cap...pcapng      3",
        "SYN flood  a.pcap        1,024",
    ]
    assert drawn(15) == [
        "标题      path",
        "端口扫描  ca...apng",
        "SYN f...  a.pcap",
    ]


def test_where_room_is_short_columns_with_nothing_in_them_go_and_codes_are_cut_before_words():
    columns = [Column("case", least=8), Column("unit", drop=1), Column("id", least=4, code=True)]
    rows = [["Network scan", "", "552066824fb1ac79"]]
    assert table.fit(columns, rows, 40) == {0: 12, 1: 4, 2: 16}
    assert table.fit(columns, rows, 24) == {0: 12, 2: 10}
    assert table.fit(columns, [["Network scan", "tax", "552066824fb1ac79"]], 24) == {0: 12, 1: 4, 2: 4}
    assert table.fit(columns, rows, 15) == {0: 9, 2: 4}


def test_plain_cuts_nothing():
    cells = dict(enumerate(table.natural(COLUMNS, ROWS)))
    assert table.plain(COLUMNS, ["1", "a" * 50, "b", "2"], cells) == f"1         {'a' * 50}  {'b':<28}      2"


CELL = st.text(st.sampled_from("ab1 城墙/.-"), max_size=30)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=5), st.integers(19, 120))
@settings(max_examples=100)
def test_every_line_fits(rows: list[tuple[str, str, str, str]], width: int):
    cells = table.fit(COLUMNS, rows, width)
    assert text.width(table.heading(COLUMNS, cells)) <= width
    for row in rows:
        assert sum(text.width(piece) for piece, _ in table.parts(COLUMNS, row, cells)) <= width


def test_styles_travel_with_cells():
    cells = table.fit(COLUMNS, ROWS, 80)
    assert ("端口扫描 ", "bold") in table.parts(COLUMNS, ROWS[0], cells)
