"""Click in two languages: commands and options whose help are keys of the catalogue.

A command's help is the text of `about.<key>` and, in lists, `short.<key>`; an option's is `option.<key>`.
They are looked up when help is shown, so that importing a command costs nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from citywall.errors import FaultyInput
from citywall.i18n import tr
from console import language, text

F = TypeVar("F", bound=Callable[..., Any])


class Formatter(click.HelpFormatter):
    """Help laid out by terminal cells."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line; what does not fit stands below, indented."""
        first, *rest = text.wrap(f"{prefix or ''}{prog} {args}", self.width)
        self.write(f"{first}\n")
        for line in text.wrap(" ".join(rest), self.width - 4) if rest else []:
            self.write(f"    {line}\n")

    def write_text(self, text_: str) -> None:
        """Write one paragraph, wrapped and indented."""
        indent = " " * self.current_indent
        for line in text.wrap(text_, self.width - self.current_indent):
            self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and their explanations in two columns."""
        indent = " " * self.current_indent
        column = min(max((text.width(term) for term, _ in rows), default=0), col_max) + col_spacing
        room = max(self.width - self.current_indent - column, 10)
        for term, explanation in rows:
            lines = text.wrap(explanation, room)
            if text.width(term) > column - col_spacing:
                self.write(f"{indent}{term}\n")
            else:
                self.write(f"{indent}{text.pad(term, column)}{lines.pop(0)}".rstrip() + "\n")
            for line in lines:
                self.write(f"{indent}{' ' * column}{line}\n")


class Context(click.Context):
    """A click context with our help formatter."""

    formatter_class = Formatter


class Option(click.Option):
    """An option whose help is a key of the catalogue."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's names and its help in the invocation's language."""
        record = super().get_help_record(ctx)
        return (record[0], tr(f"option.{self.help}", language.of(ctx))) if record and self.help else record


def option(*names: str, key: str, **attributes: Any) -> Callable[[F], F]:
    """`click.option` with the catalogue key of its help."""
    return click.option(*names, cls=Option, help=key, **attributes)


class _Local(click.Command):
    """What commands and groups share: help and usage from the catalogue."""

    context_class = Context

    def __init__(self, *args: Any, key: str | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.key = key or self.name

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, having noted the language first: help and errors are shown while parsing."""
        language.remember(ctx, args)
        return super().parse_args(ctx, args)

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002  (our texts are short by rule)
        """One line on the command, in the language of the running invocation."""
        return tr(f"short.{self.key}", language.of(click.get_current_context(silent=True)))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, explained in the invocation's language."""
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = tr("option.help", language.of(ctx))
        return found

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        pieces = self.collect_usage_pieces(ctx)
        formatter.write_usage(ctx.command_path, " ".join(pieces), tr("help.usage", language.of(ctx)) + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, paragraph by paragraph."""
        for paragraph in tr(f"about.{self.key}", language.of(ctx)).split("\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of options."""
        records = [r for p in self.get_params(ctx) if (r := p.get_help_record(ctx)) is not None]
        with formatter.section(tr("help.options", language.of(ctx))):
            formatter.write_dl(records)


class Command(_Local):
    """A command in two languages; the service runs those that change something, where one runs.

    What it refuses for faults is recorded in the audit log.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, here or in the service."""
        from console.service.client import forward

        code = forward(ctx, self.key or "")
        if code is not None:
            return code
        try:
            return super().invoke(ctx)
        except FaultyInput as error:
            from console import malformed

            malformed.record(ctx, self.key or "", error)
            raise


class Group(_Local, click.Group):
    """A group whose commands are imported when they are called.

    `modules` maps a command's name to `module:attribute`. Listing them needs no import: the line about
    each is `short.<name>`.
    """

    def __init__(self, *args: Any, modules: dict[str, str] | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.modules = modules or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of commands in the order they were given."""
        return [*self.modules, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command called `cmd_name`."""
        if cmd_name not in self.modules:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.modules[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named by the first argument; raises click.UsageError for one unknown."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(tr("error.no_such_command", language.of(ctx), name=text.clean(args[0])))
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the tables of options and commands."""
        super().format_options(ctx, formatter)
        speech = language.of(ctx)
        prefix = "" if ctx.parent is None else f"{self.key}-"
        rows = [(name, tr(f"short.{prefix}{name}", speech)) for name in self.list_commands(ctx)]
        with formatter.section(tr("help.commands", speech)):
            formatter.write_dl(rows)
