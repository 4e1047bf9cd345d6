from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console.display import write
from console.display.table import Cell, Column
from console.terminal import Terminal

COLUMNS = [Column("name", least=6), Column("n", right=True)]


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Tty]:
    """Called in the test, for pytest puts its own stdout in place after fixtures are made."""

    def install() -> Tty:
        stream = Tty()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "20")
        monkeypatch.setenv("LINES", "24")
        return stream

    return install


def test_a_table_in_a_pipe_is_whole(capsys: Any):
    rows = [[Cell("a name that is long", "bold"), "1"], ["城墙", "22"]]
    assert write.write_table(Terminal("en"), COLUMNS, rows) == 2
    assert capsys.readouterr().out.splitlines() == [
        "name                  n",
        "a name that is long   1",
        "城墙                 22",
    ]


def test_a_table_on_a_terminal_fits_it(on_a_terminal: Any):
    tty = on_a_terminal()
    write.write_table(Terminal("en", colour=False), COLUMNS, [["a name that is long", "1"], ["城墙", "22"]])
    assert [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in tty.getvalue().splitlines()] == [
        "name               n",
        "a name that i...   1",
        "城墙              22",
    ]


def test_an_empty_table_writes_nothing(capsys: Any):
    assert write.write_table(Terminal("en"), COLUMNS, []) == 0
    assert capsys.readouterr().out == ""


def test_rows_are_never_all_in_memory(capsys: Any):
    taken = 0

    def rows() -> Iterator[list[str]]:
        nonlocal taken
        for number in range(write.WINDOW + 2):
            taken += 1
            yield ["x" * (number % 7), str(number)]

    assert write.write_table(Terminal("en"), COLUMNS, rows()) == write.WINDOW + 2
    assert taken == write.WINDOW + 2
    assert capsys.readouterr().out.count("\n") == write.WINDOW + 3


def test_prose_is_wrapped(on_a_terminal: Any):
    tty = on_a_terminal()
    write.write_text(Terminal("zh"), "电子政务外网，一城墙守望。\nshort", indent=2)
    assert tty.getvalue() == "  电子政务外网，一城\n  墙守望。\n  short\n"


def test_width_where_there_is_no_terminal(on_a_terminal: Any):
    on_a_terminal()
    assert write.width(Terminal("en")) == 20
    assert write.width(Terminal("en"), io.StringIO()) == write.PROSE
