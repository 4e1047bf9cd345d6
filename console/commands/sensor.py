"""`citywall sensor`: packets of this machine into a run on a Kafka cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citywall.errors import UsageError
from console import options, terminal
from console.framework import Command, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from stream.sensor import Sent

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Command, name="sensor")
@option("--capture", key="sensor_capture", metavar="FILE", type=_FILE)
@option("--interface", "interfaces", key="sensor_interface", metavar="IFACE", multiple=True)
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
    interfaces: tuple[str, ...],
    to: str,
    name: str,
    seconds: float | None,
    packets: int | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    log_level: str,
) -> int:
    """Send a capture, or what passes interfaces, to the run that waits for this sensor."""
    settings = options.load(config, assignments, f"transport={to}")
    look = terminal.of(context, settings.language)
    if (capture is None) == (not interfaces):
        raise UsageError(look.tr("sensor.one_source"))
    if capture is not None and (seconds is not None or packets is not None):
        raise UsageError(look.tr("sensor.no_bounds"))
    look.note(look.tr("sensor.waiting", name=name, transport=to))
    if capture is not None:
        from stream.sensor import send

        sent = [send(settings, capture, name)]
    else:
        import logging

        from stream.live import Bounds, sense

        form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
        logging.basicConfig(level=log_level.upper(), format=form, force=True)
        sent = sense(settings, interfaces, name, Bounds(seconds, packets))
    if as_json:
        look.say(json.dumps(_together(sent)))
    else:
        _tell(sent, look)
    unsent = sum(each.unsent for each in sent)
    if unsent:
        look.note(look.tr("sensor.unsent", packets=f"{unsent:,}"))
    return int(bool(unsent))


def _tell(sent: Sequence[Sent], look: Terminal) -> None:
    from console.display.summary import explain

    for each in sent:
        told = look.tr("sensor.sent", packets=f"{each.packets:,}", bytes=f"{each.bytes:,}")
        look.say(f"{each.interface}: {told}" if len(sent) > 1 else told)
        for reason, n in sorted(each.errors.items()):
            look.say(f"{n:>9,}  {explain(reason, look.speech)}")


def _together(sent: Sequence[Sent]) -> dict[str, object]:
    """One object: of a single interface or capture its own, of several their sums and each by its name."""
    if len(sent) == 1:
        return _as_object(sent[0])
    each = {one.interface: _as_object(one) for one in sent}
    sums = {name: sum(getattr(one, name) for one in sent) for name in ("packets", "bytes", "unsent")}
    dropped = sum(one.errors.get("packets_dropped", 0) for one in sent)
    return {**sums, "dropped": dropped, "interfaces": each}


def _as_object(sent: Sent) -> dict[str, object]:
    return {
        "session": sent.session,
        "packets": sent.packets,
        "bytes": sent.bytes,
        "dropped": sent.errors.get("packets_dropped", 0),
        "errors": dict(sorted(sent.errors.items())),
        "unsent": sent.unsent,
    }
