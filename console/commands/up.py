"""`citywall up`: the service, one process that runs on."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console import folders, options, rulefolder, terminal
from console.commands import compile as compile_
from console.framework import Command, option

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(cls=Command, name="up")
@options.data
@option("--watch", key="watch", type=_FOLDER, metavar="FOLDER")
@option("--interface", "interfaces", key="interfaces", multiple=True, metavar="IFACE")
@option("--collector", key="collector", metavar="NAME")
@option("--sensor", "sensors", key="sensors", multiple=True, metavar="NAME")
@options.settings
@options.plain
@options.log_level
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    data: Path,
    watch: Path | None,
    interfaces: tuple[str, ...],
    collector: str | None,
    sensors: tuple[str, ...],
    config: Path | None,
    assignments: tuple[str, ...],
    log_level: str,
) -> None:
    """Run the service until it is asked to stop."""
    more = [] if watch is None else [f"service.watch={watch}"]
    more += [f"service.interfaces={json.dumps(interfaces)}"] if interfaces else []
    more += [f"service.collector={collector}"] if collector else []
    more += [f"service.sensors={json.dumps(sensors)}"] if sensors else []
    settings = rulefolder.joined(options.load(config, assignments, *more), data, waits=True)
    look = terminal.of(context, settings.language)
    folders.start_log(data, log_level)
    from console.service.company import company, need_accounts
    from stream.service import serve

    need_accounts(data, look)
    compile_.ensure(look, quiet=True)  # no packet is to wait for a compiler
    look.note(look.tr("up.running", path=data))
    serve(data, settings, beside=lambda: company(data, settings))
    look.note(look.tr("up.stopped", path=data))
