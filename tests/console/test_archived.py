from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from alerts.query import FLOWS
from console import archived
from console.commands import events, flows
from console.display.table import Column


@dataclass
class Page:
    rows: list[int]
    after: str | None


class Archive:
    """Numbers from 6 down to 0, of what was asked since."""

    asked: ClassVar[list[tuple[Any, int | None, int, str | None]]] = []

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        assert read_only

    def query(self, query: Any, *, since: int | None, limit: int, after: str | None) -> Page:
        self.asked.append((query, since, limit, after))
        at = int(after or 6)
        stop = max(at - limit, -1)
        return Page(list(range(at, stop, -1)), str(stop) if stop >= 0 else None)


def _kind() -> archived.Kind:
    def document(row: int, domain: Callable[[int], str]) -> dict[str, Any]:
        return {"number": row, "domain": domain(0)}

    def columns(language: str, *, brief: bool) -> list[Column]:
        return [Column("number"), Column("domain")]

    def cells(document: dict[str, Any], language: str, *, compact: bool) -> list[str]:
        return [str(document["number"]), document["domain"]]

    return archived.Kind(Archive, lambda page: page.rows, FLOWS, document, columns, cells)


def _run(arguments: list[str]) -> Result:
    return CliRunner().invoke(archived.command_of("flows", _kind), arguments, catch_exceptions=False)


@pytest.mark.parametrize(("limit", "shown"), [("0", 7), ("3", 3), ("7", 7)])
def test_rows_are_read_as_far_as_they_are_shown(tmp_path: Path, limit: str, shown: int) -> None:
    Archive.asked.clear()
    done = _run(["--data", str(tmp_path), "--json", "--limit", limit, "--where", "port:53"])
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == shown
    query, since, size, after = Archive.asked[0]
    assert query is not None
    assert (since, after) == (None, None)
    assert size == (int(limit) + 1 if int(limit) else size)


def test_as_a_table(tmp_path: Path) -> None:
    done = _run(["--data", str(tmp_path), "--limit", "2", "--plain"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[-2:]] == ["6", "5"]


@pytest.mark.parametrize("command", [flows.command, events.command])
def test_both_commands_take_the_same(command: Any) -> None:
    names = [parameter.name for parameter in command.params]
    assert names == [parameter.name for parameter in archived.command_of("flows", _kind).params]
