"""`citywall worker`: a hand for runs on a Kafka cluster."""

from __future__ import annotations

from pathlib import Path

import click

from console import complaints, folders, options, terminal
from console.framework import Command, option


@click.command(cls=Command, name="worker")
@option("--once", key="once", is_flag=True)
@options.settings
@options.log_level
@options.looks
@click.pass_context
def command(
    context: click.Context, *, once: bool, config: Path | None, assignments: tuple[str, ...], log_level: str
) -> None:
    """Join runs on a Kafka cluster and work the partitions given."""
    import logging

    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    logging.basicConfig(
        level=log_level.upper(),
        format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    from stream.worker import work

    if not folders.kernels_compiled():  # compiling holds up a worker's signs of life
        look.note(look.tr("worker.not_compiled"))
    look.note(look.tr("worker.waiting", transport=settings.transport))
    try:
        work(settings, once=once)
    except KeyboardInterrupt:
        look.note(look.tr("worker.stopped"))
        raise click.exceptions.Exit(complaints.INTERRUPTED) from None
    except SystemExit:  # asked to end by a signal, with everything saved
        look.note(look.tr("worker.stopped"))
