"""`citywall transactions`: what the application layers of captures said, one exchange a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, terminal
from console.framework import Command, option

if TYPE_CHECKING:
    from citywall.applicationsettings import ApplicationSettings

_FILE = click.Path(path_type=Path, dir_okay=False)
#: Buffers that are too long for a line, and those that another says in other words.
_LONG = frozenset((
    "file.data", "http.request_body", "http.response_body", "http.start", "http.header", "http.header.raw",
    "http.request_header", "http.response_header", "tls.certs", "tls.random", "tls.random_bytes",
    "dcerpc.stub_data", "sip.body", "dnp3.data", "modbus.data", "dns.query.name", "dns.response.rrname",
))  # fmt: skip
_PROTOCOLS = {6: "tcp", 17: "udp"}


@click.command(cls=Command, name="transactions")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@option("--protocol", "protocols", key="protocol", metavar="NAME", multiple=True)
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    files: tuple[Path, ...],
    protocols: tuple[str, ...],
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell the exchanges of captures."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    for file in files:
        for told in transactions(file, settings.applications):
            if not protocols or told["protocol"] in protocols:
                look.say(json.dumps(told, ensure_ascii=False) if as_json else _line(told))


def transactions(file: Path, settings: ApplicationSettings) -> Iterator[dict[str, Any]]:
    """The exchanges of a capture, by flow and in order. Raises InputError where it cannot be read."""
    from citywall.addresses import to_text
    from ingest.applications.analysis import analyse
    from ingest.applications.tables import FIELDS, PROTOCOLS

    tables = analyse(file, settings, keep_streams=False)
    numbers: list[dict[str, list[int]]] = [{} for _ in range(len(tables.transactions))]
    for row in tables.numbers:
        found = numbers[int(row["transaction"])]
        found.setdefault(FIELDS[int(row["field"])], []).append(int(row["value"]))
    for i, (_, number, buffers) in enumerate(tables.describe()):
        row = tables.transactions[i]
        flow = tables.flows[int(row["flow"])]
        ends = ("a", "b") if int(flow["client"]) == 0 else ("b", "a")
        ports = {"a": int(flow["ports"]) >> 16, "b": int(flow["ports"]) & 0xFFFF}
        client, server = (to_text(int(flow[f"{e}_hi"]), int(flow[f"{e}_lo"])) for e in ends)
        yield {
            "file": str(file),
            "time": int(row["time"]),
            "client": client, "client_port": ports[ends[0]],
            "server": server, "server_port": ports[ends[1]],
            "transport": _PROTOCOLS.get(int(flow["proto"]), str(int(flow["proto"]))),
            "protocol": PROTOCOLS[int(row["protocol"])],
            "number": number,
            "frames": [int(row["first_frame"]), int(row["request_frame"]), int(row["response_frame"])],
            "buffers": {
                kind: [value.decode("utf-8", "backslashreplace") for value in values]
                for kind, values in buffers.items()
                if kind not in _LONG
            },
            "numbers": numbers[i],
        }  # fmt: skip


def _line(told: dict[str, Any]) -> str:
    said = "  ".join(f"{kind}={values[0]!r}" for kind, values in list(told["buffers"].items())[:6])
    ends = f"{told['client']}:{told['client_port']} > {told['server']}:{told['server_port']}"
    return f"{told['frames'][0]:>7}  {ends}  {told['protocol']}  {said}"
