"""`citywall sensor`: packets of this machine into a run on a Kafka cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citywall.errors import UsageError
from console import options, terminal
from console.framework import Command, option

if TYPE_CHECKING:
    from stream.sensor import Sent

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Command, name="sensor")
@option("--capture", key="sensor_capture", metavar="FILE", type=_FILE)
@option("--interface", key="sensor_interface", metavar="IFACE")
@option("--to", "to", key="sensor_to", required=True, metavar="kafka://HOST:PORT,...")
@option("--name", key="sensor_name", required=True, metavar="NAME")
@option("--seconds", key="sensor_seconds", metavar="N", type=click.FloatRange(min=0))
@option("--packets", key="sensor_packets", metavar="N", type=click.IntRange(min=1))
@options.settings
@options.as_json
@options.log_level
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    capture: Path | None,
    interface: str | None,
    to: str,
    name: str,
    seconds: float | None,
    packets: int | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    log_level: str,
) -> int:
    """Send a capture, or what passes an interface, to the run that waits for this sensor."""
    settings = options.load(config, assignments, f"transport={to}")
    look = terminal.of(context, settings.language)
    if (capture is None) == (interface is None):
        raise UsageError(look.tr("sensor.one_source"))
    if capture is not None and (seconds is not None or packets is not None):
        raise UsageError(look.tr("sensor.no_bounds"))
    look.note(look.tr("sensor.waiting", name=name, transport=to))
    if capture is not None:
        from stream.sensor import send

        sent = send(settings, capture, name)
    else:
        import logging

        from stream.live import Bounds, sense

        assert interface is not None
        form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
        logging.basicConfig(level=log_level.upper(), format=form, force=True)
        sent = sense(settings, interface, name, Bounds(seconds, packets))
    if as_json:
        look.say(json.dumps(_as_object(sent)))
    else:
        look.say(look.tr("sensor.sent", packets=f"{sent.packets:,}", bytes=f"{sent.bytes:,}"))
        from console.display.summary import explain

        for reason, n in sorted(sent.errors.items()):
            look.say(f"{n:>9,}  {explain(reason, look.speech)}")
    if sent.unsent:
        look.note(look.tr("sensor.unsent", packets=f"{sent.unsent:,}"))
    return int(bool(sent.unsent))


def _as_object(sent: Sent) -> dict[str, object]:
    return {
        "session": sent.session,
        "packets": sent.packets,
        "bytes": sent.bytes,
        "dropped": sent.errors.get("packets_dropped", 0),
        "errors": dict(sorted(sent.errors.items())),
        "unsent": sent.unsent,
    }
