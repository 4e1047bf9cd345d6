"""Commands that list what an archive keeps, newest first: `flows` and `events`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

from console import listed, options, since, terminal
from console.framework import Command

if TYPE_CHECKING:
    from alerts.query import Schema
    from console.display.table import Column, Row


class Columns(Protocol):
    """The columns of a table; `brief` where there is little room."""

    def __call__(self, language: str, *, brief: bool) -> list[Column]:
        """In a language."""
        ...


class Cells(Protocol):
    """The cells of a document's row; `compact` where there is little room."""

    def __call__(self, document: listed.Document, language: str, *, compact: bool) -> Row:
        """In a language."""
        ...


class Kind(NamedTuple):
    """What an archive keeps. `archive(folder, read_only=True)` opens it; `rows` are those of a page of it."""

    archive: Callable[..., Any]
    rows: Callable[[Any], list[Any]]
    fields: Schema
    document: Callable[..., listed.Document]
    columns: Columns
    cells: Cells


def command_of(name: str, kind: Callable[[], Kind]) -> click.Command:
    """The command that lists what an archive keeps; `kind` imports what that needs."""

    @click.command(cls=Command, name=name)
    @listed.asked
    @click.pass_context
    def command(
        context: click.Context,
        *,
        data: Path,
        where: str,
        since_: str | None,
        limit: int,
        config: Path | None,
        assignments: tuple[str, ...],
        as_json: bool,
    ) -> None:
        from alerts.query import parse
        from citywall.domains import Domains

        settings = options.load(config, assignments)
        look = terminal.of(context, settings.language)
        options.need_data(data, look)
        start = None if since_ is None else since.parse(since_, look.speech)
        of, domains = kind(), Domains(settings.domains)
        archive = of.archive(data, read_only=True)
        query = parse(where, of.fields) if where else None

        def page(size: int, after: str | None) -> tuple[list[Any], str | None]:
            found = archive.query(query, since=start, limit=size, after=after)
            return of.rows(found), found.after

        documents = listed.paged(page, lambda row: of.document(row, domains.name), limit)
        listed.say(
            documents, limit, look, as_json=as_json,
            write=lambda shown, look: listed.table(
                shown, look, lambda brief: of.columns(look.speech, brief=brief),
                lambda document, brief: of.cells(document, look.speech, compact=brief),
            ),
        )  # fmt: skip

    return command
