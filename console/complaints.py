"""Errors as users read them: one line, where it is, what to do, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from citywall import errors
from citywall.faults import Fault
from citywall.i18n import tr
from console import text

#: Exit code of a run stopped by the user, as shells give it for an interrupt.
INTERRUPTED = 130
BAD_USE = 2


def exit_code(error: BaseException) -> int:
    """2 for bad use, 130 for an interrupt, else 1."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, errors.CitywallError | click.ClickException):
        return error.exit_code
    return 1


def sentence(error: BaseException, language: str) -> str:
    """What went wrong, in one line safe to print."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return tr("error.interrupted", language)
    if isinstance(error, errors.SettingsError):
        said = tr("error.settings", language, origin=error.origin, key=error.key, reason=error.reason)
    elif isinstance(error, errors.InputError):
        said = tr("error.input", language, place=_place(error, language), reason=error.reason)
    elif isinstance(error, errors.FaultyInput):
        said = tr("error.faulty", language, place=error.place, count=len(error.faults))
    elif isinstance(error, errors.QueryError):
        said = tr("error.query", language, column=error.column, reason=error.reason, query=repr(error.query))
    elif isinstance(error, errors.Refused):
        said = tr("error.refused", language, reason=tr(f"refused.{error.code}", language, **error.values))
    elif isinstance(error, errors.DrillError | errors.ModelError):
        said = error.text(language)
    elif isinstance(error, errors.CitywallError):
        said = str(error)
    elif isinstance(error, click.ClickException):
        said = _usage(error, language)
    else:
        said = tr("error.internal", language, kind=type(error).__name__, reason=str(error))
    return text.clean(" ".join(said.split()))


def hint(error: BaseException, language: str) -> str | None:
    """What to do about it, where there is something to say."""
    if isinstance(error, errors.FaultyInput):
        return "\n".join(text.clean(fault.text(language)) for fault in error.faults)
    if isinstance(error, errors.Refused) and error.code == "role":
        return _who_may(error.action, language)
    if isinstance(error, errors.DataFolderBusy):
        return tr("error.hint_busy", language)
    if isinstance(error, errors.SettingsError):
        return tr("error.hint_settings", language)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return tr("error.hint_usage", language, command=error.ctx.command_path)
    if not isinstance(error, errors.CitywallError | click.ClickException | click.Abort | KeyboardInterrupt):
        return tr("error.hint_internal", language)
    return None


def _who_may(action: str, language: str) -> str | None:
    """Which roles may do what was refused."""
    from citywall.permissions import PERMISSIONS, ordered

    roles = ordered(PERMISSIONS.get(action, ()))
    if not roles:
        return None
    said = ", ".join(f"{tr(f'role.{role}', language)} ({role})" for role in roles)
    return tr("error.hint_role", language, roles=said)


def as_json(error: BaseException, language: str) -> str:
    """The error as one line of JSON: `{"error": {"type", "message", "exit_code", ...}}`."""
    told: dict[str, Any] = {
        "type": type(error).__name__,
        "message": sentence(error, language),
        "exit_code": exit_code(error),
    }
    for name in ("path", "offset", "line", "origin", "key", "reason", "column", "code"):
        value = getattr(error, name, None)
        if isinstance(value, str | int):
            told[name] = value
    if isinstance(error, errors.FaultyInput):
        told["faults"] = faults(error.faults, language)
    return json.dumps({"error": told}, ensure_ascii=False)


def faults(found: Sequence[Fault], language: str) -> list[dict[str, Any]]:
    """Faults as objects: `{"file", "line", "field", "reason"}`; line and field null where there is none."""
    return [
        {"file": f.path, "line": f.line or None, "field": f.field or None, "reason": f.reason(language)}
        for f in found
    ]


def _place(error: errors.InputError, language: str) -> str:
    place = error.path
    if error.offset is not None:
        place += tr("error.at_byte", language, offset=error.offset)
    if error.line is not None:
        place += tr("error.at_line", language, line=error.line)
    return place


def _usage(error: click.ClickException, language: str) -> str:
    if isinstance(error, click.NoSuchOption):
        said = tr("error.no_such_option", language, name=error.option_name)
        if error.possibilities:
            said += tr("error.did_you_mean", language, names=", ".join(sorted(error.possibilities)))
        return said
    if isinstance(error, click.MissingParameter) and error.param and error.ctx:
        return tr("error.missing", language, name=error.param.get_error_hint(error.ctx).strip("'"))
    return error.format_message()
