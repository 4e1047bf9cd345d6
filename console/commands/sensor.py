"""`citywall sensor`: packets of this machine into a run on a Kafka cluster."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console import options, terminal
from console.framework import Command, option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Command, name="sensor")
@option("--capture", key="sensor_capture", required=True, metavar="FILE", type=_FILE)
@option("--to", "to", key="sensor_to", required=True, metavar="kafka://HOST:PORT,...")
@option("--name", key="sensor_name", required=True, metavar="NAME")
@options.settings
@options.as_json
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    capture: Path,
    to: str,
    name: str,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Send a capture to the run that waits for this sensor."""
    settings = options.load(config, assignments, f"transport={to}")
    look = terminal.of(context, settings.language)
    from stream.sensor import send

    look.note(look.tr("sensor.waiting", name=name, transport=to))
    sent = send(settings, capture, name)
    if as_json:
        look.say(json.dumps({"session": sent.session, "packets": sent.packets, "bytes": sent.bytes}))
    else:
        look.say(look.tr("sensor.sent", packets=f"{sent.packets:,}", bytes=f"{sent.bytes:,}"))
