"""Lists of documents, newest first: what `alerts`, `flows` and `events` do alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from console import options
from console.framework import option

if TYPE_CHECKING:
    from console.display.table import Column, Row
    from console.terminal import Terminal

F = TypeVar("F", bound=Callable[..., Any])
Document = dict[str, Any]

DEFAULT_LIMIT = 100
_PAGE = 1000


def asked(function: F) -> F:
    """Options of a list: `--data`, `--where`, `--since`, `--limit`, settings, and how it is shown."""
    for add in (
        options.looks,
        options.plain,
        options.as_json,
        options.settings,
        option("--limit", key="limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True),
        option("--since", "since_", key="since", metavar="T"),
        option("--where", key="where", metavar="QUERY", default=""),
        options.data,
    ):
        function = add(function)
    return function


def paged(
    page: Callable[[int, str | None], tuple[Iterable[Any], str | None]],
    document: Callable[[Any], Document],
    limit: int,
) -> Iterator[Document]:
    """Documents of rows, a page in memory at a time; one more than `limit` may come.

    `page` gives the rows behind a cursor, at most so many, and the cursor of the page after.
    """
    size = min(limit + 1, _PAGE) if limit else _PAGE
    after: str | None = None
    while True:
        rows, after = page(size, after)
        yield from map(document, rows)
        if after is None:
            return


def table(
    documents: Iterable[Document],
    look: Terminal,
    columns: Callable[[bool], list[Column]],
    cells: Callable[[Document, bool], Row],
) -> int:
    """Write documents as a table, both asked whether there is little room; returns how many."""
    from console.display.write import is_narrow, write_table

    brief = is_narrow(look)
    count = write_table(look, columns(brief), (cells(document, brief) for document in documents))
    if not count:
        look.note(look.tr("table.none"))
    return count


def say(
    documents: Iterator[Document],
    limit: int,
    look: Terminal,
    *,
    as_json: bool,
    write: Callable[[Iterator[Document], Terminal], int],
) -> None:
    """The first `limit` documents (0: all), as lines of JSON or as a table, and whether there are more."""
    shown = islice(documents, limit) if limit else documents
    if as_json:
        for document in shown:
            look.say(json.dumps(document, ensure_ascii=False))
        return
    count = write(shown, look)
    if limit and count == limit and next(documents, None) is not None:
        look.note(look.tr("table.cut", count=count))
