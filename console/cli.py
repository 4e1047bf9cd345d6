"""The `citywall` command: its subcommands, and the one place where errors become words and exit codes.

Exit codes: 0 success, 2 bad use, 130 stopped by the user, 1 everything else.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from citywall import __version__
from citywall.garbage import collect_seldom
from console import caller, complaints, language
from console.framework import Group, option
from console.options import looks

MODULES = {
    name: f"console.commands.{name.replace('-', '_')}:command"
    for name in (
        "run",
        "up",
        "worker",
        "sensor",
        "status",
        "dead-letters",
        "console",
        "overview",
        "alerts",
        "cases",
        "mutes",
        "notices",
        "warnings",
        "playbooks",
        "flows",
        "events",
        "pcap",
        "hosts",
        "transactions",
        "assets",
        "portals",
        "posture",
        "report",
        "detectors",
        "rules",
        "models",
        "evaluate",
        "store",
        "accounts",
        "audit",
        "backup",
        "restore",
        "doctor",
        "drill",
        "synth",
        "settings",
        "compile",
    )
} | {"users": "console.commands.accounts:command"}


class Root(Group):
    """The group whose `main` reports every error in one line and sets the exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and leave the interpreter with its exit code (or return it)."""
        arguments = sys.argv[1:] if args is None else list(args)
        try:
            result = super().main(
                arguments,
                prog_name or "citywall",
                complete_var,
                standalone_mode=False,
                obj=tuple(arguments),
                windows_expand_args=windows_expand_args,
                **extra,
            )
            code = result if isinstance(result, int) else 0
            at = caller.current()
            (sys.stdout if at is None else at.out).flush()
        except BrokenPipeError:
            code = _hush()
        except Exception as error:  # noqa: BLE001  (the last resort: words and an exit code for anything)
            code = _report(error, arguments)
        except KeyboardInterrupt as error:
            code = _report(error, arguments)
        if standalone_mode:
            sys.exit(code)
        return code


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    context = getattr(error, "ctx", None)
    speech = language.from_arguments(arguments) or language.of(context)
    if "--debug" in arguments:
        import traceback

        traceback.print_exception(error)
    elif not isinstance(error, click.ClickException | click.Abort):
        import logging

        log = logging.getLogger("console")
        log.addHandler(logging.NullHandler())  # without a log file it is not to land on the terminal
        log.error("the command failed", exc_info=error)
    line = complaints.sentence(error, speech)
    at = caller.current()
    stream = sys.stderr if at is None else at.err
    try:
        stream.write(f"citywall: {line}\n")
        if advice := complaints.hint(error, speech):
            stream.write(f"{advice}\n")
        if "--json" in arguments:
            stream.write(complaints.as_json(error, speech) + "\n")
        stream.flush()
    except BrokenPipeError:
        _hush()
    return complaints.exit_code(error)


def _hush() -> int:
    """The reader has gone: nothing more can be said, and the interpreter must not try at its end."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(sink, stream.fileno())
    return 1


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"citywall {__version__}")
        context.exit()


@click.group(cls=Root, name="citywall", modules=MODULES, invoke_without_command=True)
@option("--version", key="version", is_flag=True, is_eager=True, expose_value=False, callback=_version)
@looks
@click.pass_context
def cli(context: click.Context) -> None:
    """Watch a government's network: captures and flow logs in, alerts out."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `citywall` command."""
    collect_seldom()
    # There is no linear algebra here for the threads that NumPy's and SciPy's libraries start, which spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's writers keep to the allocator of the C library only where this says so (see `alerts.archive`).
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Tables are large and begin nearly empty: with pages of 2 MiB most of what is cleared would be in vain.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(arguments)
    finally:
        gc.freeze()  # the interpreter ends: it need not look for garbage in all there is once more
