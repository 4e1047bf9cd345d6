"""`citywall accounts`: who may use Citywall, and as what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from citywall.permissions import ROLES
from console import caller, options, signin, terminal
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from trust.account import Stored
    from trust.accounts import Accounts

_name = click.argument("name", metavar="NAME")
_roles = option("--role", "roles", key="role", multiple=True, required=True, type=click.Choice(ROLES))
_unit = option("--unit", key="unit", default="", metavar="UNIT")
_full_name = option("--full-name", key="full_name", default="", metavar="TEXT")
_as = option("--as", "actor", key="as", required=True, metavar="USER")


def _usual(function: Any) -> Any:
    """The options that every command here has."""
    for add in (options.looks, options.plain, options.as_json, options.settings, options.data):
        function = add(function)
    return function


@click.group(cls=Group, name="accounts")
@options.looks
def command() -> None:
    """Who may use Citywall, and as what."""


@command.command(cls=Command, name="init", key="accounts-init")
@_name
@_full_name
@option("--generate", key="generate", is_flag=True)
@_usual
@click.pass_context
def init(context: click.Context, /, *, name: str, full_name: str, generate: bool, **usual: Any) -> None:
    """Make the first administrator."""
    from trust import passwords

    with _opened(context, usual) as (accounts, look):
        password = passwords.generate(name) if generate else signin.ask_new(look, name)
        stored = accounts.init(signin.local(), name, password, full_name)
        _tell(look, "first", stored, usual["as_json"], password if generate else "")


@command.command(cls=Command, name="add", key="accounts-add")
@_name
@_roles
@_unit
@_full_name
@_as
@_usual
@click.pass_context
def add(
    context: click.Context, /, *, name: str, roles: tuple[str, ...], unit: str, full_name: str, actor: str,
    **usual: Any,
) -> None:  # fmt: skip
    """Make an account."""
    with _opened(context, usual) as (accounts, look):
        by = signin.log_in(accounts, look, actor)
        stored, password = accounts.add(by, name, roles, unit, full_name)
        _tell(look, "added", stored, usual["as_json"], password)


@command.command(cls=Command, name="roles", key="accounts-roles")
@_name
@_roles
@_unit
@_as
@_usual
@click.pass_context
def roles_(
    context: click.Context, /, *, name: str, roles: tuple[str, ...], unit: str, actor: str, **usual: Any
) -> None:
    """Change an account's roles."""
    with _opened(context, usual) as (accounts, look):
        by = signin.log_in(accounts, look, actor)
        stored = accounts.set_roles(by, name, roles, unit, accounts.get(by, name).version)
        _tell(look, "changed", stored, usual["as_json"])


@command.command(cls=Command, name="disable", key="accounts-disable")
@_name
@_as
@_usual
@click.pass_context
def disable(context: click.Context, /, *, name: str, actor: str, **usual: Any) -> None:
    """Shut an account out."""
    with _opened(context, usual) as (accounts, look):
        by = signin.log_in(accounts, look, actor)
        stored = accounts.disable(by, name, accounts.get(by, name).version)
        _tell(look, "disabled", stored, usual["as_json"])


@command.command(cls=Command, name="enable", key="accounts-enable")
@_name
@_as
@_usual
@click.pass_context
def enable(context: click.Context, /, *, name: str, actor: str, **usual: Any) -> None:
    """Let an account in again."""
    with _opened(context, usual) as (accounts, look):
        by = signin.log_in(accounts, look, actor)
        stored = accounts.enable(by, name, accounts.get(by, name).version)
        _tell(look, "enabled", stored, usual["as_json"])


@command.command(cls=Command, name="reset", key="accounts-reset")
@_name
@_as
@_usual
@click.pass_context
def reset(context: click.Context, /, *, name: str, actor: str, **usual: Any) -> None:
    """Give an account a new first password."""
    with _opened(context, usual) as (accounts, look):
        by = signin.log_in(accounts, look, actor)
        stored, password = accounts.reset(by, name, accounts.get(by, name).version)
        _tell(look, "changed", stored, usual["as_json"], password)


@command.command(cls=Command, name="passwd", key="accounts-passwd")
@_name
@_usual
@click.pass_context
def passwd(context: click.Context, /, *, name: str, **usual: Any) -> None:
    """Change one's own password."""
    with _opened(context, usual) as (accounts, look):
        old = signin.ask(look, look.tr("accounts.password_of", name=name))
        stored = accounts.passwd(name, old, signin.ask_new(look, name), signin.place())
        _tell(look, "password_changed", stored, usual["as_json"])


@command.command(cls=Command, name="list", key="accounts-list")
@_usual
@click.pass_context
def list_(context: click.Context, /, **usual: Any) -> None:
    """List the accounts."""
    from trust.accountfile import AccountFile

    settings = options.load(usual["config"], usual["assignments"])
    look = terminal.of(context, settings.language)
    everyone = AccountFile(usual["data"]).everyone()
    if usual["as_json"]:
        for stored in everyone:
            look.say(json.dumps(_plain(stored), ensure_ascii=False))
    elif everyone:
        _write(everyone, look)
    else:
        look.note(look.tr("accounts.none"))


@contextmanager
def _opened(context: click.Context, usual: dict[str, Any]) -> Iterator[tuple[Accounts, Terminal]]:
    settings = options.load(usual["config"], usual["assignments"])
    with caller.accounts_of(usual["data"], settings) as accounts:
        yield accounts, terminal.of(context, settings.language)


def _tell(look: Terminal, key: str, stored: Stored, as_json: bool, password: str = "") -> None:
    if as_json:
        told = _plain(stored) | ({"password": password} if password else {})
        look.say(json.dumps(told, ensure_ascii=False))
        return
    account = stored.account
    look.say(look.tr(f"accounts.{key}", name=account.name, roles=_roles_of(stored, look)))
    if password:
        look.say(look.tr("accounts.password", password=password))


def _roles_of(stored: Stored, look: Terminal) -> str:
    return ", ".join(look.tr(f"role.{role}") for role in stored.account.roles)


def _plain(stored: Stored) -> dict[str, Any]:
    """As `--json` has it: never a hash."""
    from trust.records import iso

    account = stored.account
    return {
        "name": account.name, "full_name": account.full_name, "roles": list(account.roles),
        "unit": account.unit, "disabled": account.disabled, "must_change": account.must_change,
        "created": iso(account.created), "password_set": iso(account.password_set),
        "version": stored.version,
    }  # fmt: skip


def _write(everyone: list[Stored], look: Terminal) -> None:
    from console import text
    from console.display.table import Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("accounts.name")),
        Column(look.tr("accounts.roles")),
        Column(look.tr("accounts.unit"), drop=1),
        Column(look.tr("accounts.full_name"), least=8, drop=2),
        Column(look.tr("accounts.state")),
    ]
    rows = []
    for stored in everyone:
        account = stored.account
        state = "disabled" if account.disabled else "must_change" if account.must_change else "active"
        rows.append([
            account.name, _roles_of(stored, look), text.clean(account.unit), text.clean(account.full_name),
            look.tr(f"accounts.state_{state}"),
        ])  # fmt: skip
    write_table(look, columns, rows)
