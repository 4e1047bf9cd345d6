"""Which language a command speaks: `--lang`, else settings, else the environment's locale."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from citywall.i18n import LANGUAGES, environment_language

_META = "citywall.language"


def from_arguments(arguments: Sequence[str]) -> str | None:
    """The value of `--lang` where it is one we speak: help and errors need it before parsing."""
    for at, argument in enumerate(arguments):
        if argument == "--":
            return None
        name, equals, value = argument.partition("=")
        if name == "--lang":
            given = value if equals else next(iter(arguments[at + 1 : at + 2]), "")
            return given if given in LANGUAGES else None
    return None


def remember(context: click.Context, arguments: Sequence[str]) -> None:
    """Note the language asked for on the command line for the whole invocation."""
    if given := from_arguments(arguments):
        context.meta[_META] = given


def asked(context: click.Context) -> str | None:
    """The language asked for on the command line, None where none was."""
    given: str | None = context.meta.get(_META)
    return given


def default(setting: str = "auto") -> str:
    """The language when none was asked for; `setting` is the value of the key `language`."""
    for choice in (setting, os.environ.get("CITYWALL_LANGUAGE", "")):
        if choice in LANGUAGES:
            return choice
    return environment_language()


def of(context: click.Context | None, setting: str = "auto") -> str:
    """The language of an invocation."""
    given: str | None = context.meta.get(_META) if context else None
    return given or default(setting)
