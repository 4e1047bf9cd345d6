"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from citywall.errors import DataFolderError
from citywall.i18n import LANGUAGES
from console import caller, folders, terminal
from console.framework import option

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.terminal import Terminal

F = TypeVar("F", bound=Callable[..., Any])

LOG_LEVELS = ("debug", "info", "warning", "error")
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


def looks(function: F) -> F:
    """`--lang`, `--no-color`, `--debug`: how a command speaks. Their values go with the context."""
    for add in (
        option("--debug", key="debug", is_flag=True, expose_value=False),
        option("--no-color", key="no_color", is_flag=True, expose_value=False, callback=terminal.remember),
        option("--lang", key="lang", type=click.Choice(LANGUAGES), expose_value=False),
    ):
        function = add(function)
    return function


def plain(function: F) -> F:
    """`--plain`: lines without control codes."""
    add = option("--plain", key="plain", is_flag=True, expose_value=False, callback=terminal.remember)
    return add(function)


def as_json(function: F) -> F:
    """`--json`: for machines."""
    return option("--json", "as_json", key="json", is_flag=True)(function)


def data(function: F) -> F:
    """`--data`: the data folder."""
    add = option("--data", key="data", type=_FOLDER, callback=lambda _c, _p, v: _data(v))
    return add(function)


def _data(given: Path | None) -> Path:
    at = caller.current()
    return (given or folders.default()) if at is None else at.office.data


def settings(function: F) -> F:
    """`--config` and `--set`: where settings come from."""
    for add in (
        option("--set", "assignments", key="set", metavar="KEY=VALUE", multiple=True),
        option("--config", key="config", type=_FILE),
    ):
        function = add(function)
    return function


def log_level(function: F) -> F:
    """`--log-level`: how much goes into the log file."""
    return option("--log-level", key="log_level", type=click.Choice(LOG_LEVELS), default="info")(function)


def load(config: Path | None, assignments: tuple[str, ...], *more: str) -> Settings:
    """Settings from a file, the environment, `--set`, and options that stand for a key (`more`).

    In the service they are the service's.
    """
    if (at := caller.current()) is not None:
        return at.office.settings
    import logging

    from citywall.settings import load as load_settings

    logging.getLogger().addHandler(logging.NullHandler())  # the terminal is for our own words
    return load_settings(config, assignments=(*assignments, *more))


def need_data(data: Path, look: Terminal) -> None:
    """Raise DataFolderError where nothing was ever run into the data folder."""
    if not data.is_dir():
        raise DataFolderError(look.tr("error.no_data", path=data))
