from __future__ import annotations

from typing import Any

import click
import pytest

from citywall.i18n import LANGUAGES, catalogue
from console import text
from console.cli import MODULES, cli
from console.framework import Formatter, Group, Option


def commands(group: click.Group, context: click.Context) -> list[tuple[click.Context, Any]]:
    found: list[tuple[click.Context, Any]] = [(context, group)]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = type(context)(command, info_name=name, parent=context)
        found += commands(command, inner) if isinstance(command, click.Group) else [(inner, command)]
    return found


ALL = commands(cli, cli.context_class(cli, info_name="citywall"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("context", "command"), ALL, ids=[c.key for _, c in ALL])
def test_every_command_explains_itself_in_both_languages(
    context: click.Context, command: click.Command, language: str
):
    context.meta["citywall.language"] = language
    shown = command.get_help(context)
    assert catalogue()["help.options"][language] in shown
    assert ("显示此帮助" in shown) == (language == "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 80])
def test_help_fits_the_terminal(language: str, width: int):
    context = cli.context_class(cli, info_name="citywall", terminal_width=width)
    context.meta["citywall.language"] = language
    for line in cli.get_help(context).splitlines():
        assert text.width(line) <= width, line


def test_every_option_has_its_text():
    for context, command in ALL:
        for parameter in command.get_params(context):
            if isinstance(parameter, Option):
                assert f"option.{parameter.help}" in catalogue()


def test_commands_are_imported_only_when_called():
    group = Group("g", modules={"absent": "console.commands.no_such_module:command"})
    context = click.Context(group)
    assert group.list_commands(context) == ["absent"]
    with pytest.raises(ModuleNotFoundError):
        group.get_command(context, "absent")
    assert set(MODULES) == set(cli.list_commands(context))


def test_definition_lists_align_by_cells():
    formatter = Formatter(width=30)
    formatter.write_dl([("城墙", "一二三四五六七八九十"), ("ab", "x")], col_max=10)
    assert formatter.getvalue() == "城墙  一二三四五六七八九十\nab    x\n"
    formatter = Formatter(width=30)
    formatter.write_dl([("--very-long-option", "explained here"), ("-q", "x")], col_max=4)
    assert formatter.getvalue() == "--very-long-option\n      explained here\n-q    x\n"
