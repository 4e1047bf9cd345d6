"""`citywall pcap slice|join`: an alert's packets cut out of captures; rolling captures put together again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import InputError, StoreError
from console import options, terminal
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from playbooks.slicing import Span

_PATH = click.Path(path_type=Path)


@click.group(cls=Group, name="pcap")
@options.looks
def command() -> None:
    """Captures."""


@command.command(cls=Command, name="slice", key="pcap-slice")
@option("--alert", "alert_id", key="slice_alert", metavar="ID", required=True)
@option("--out", "out", key="slice_out", metavar="FILE", required=True, type=_PATH)
@option("--margin", "margin", key="slice_margin", metavar="N", type=click.IntRange(0, 86_400), default=60)
@option("--segments", "segments", key="slice_segments", metavar="DIR", multiple=True, type=_PATH)
@options.data
@options.settings
@options.as_json
@options.looks
@click.pass_context
def slice_(
    context: click.Context,
    *,
    alert_id: str,
    out: Path,
    margin: int,
    segments: tuple[Path, ...],
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> int:
    """Cut an alert's packets out of its captures."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    from console.sources import Sources
    from playbooks import slicing

    if settings.store_embedded:
        options.need_data(data, look)
    sources = Sources(data, settings)
    try:
        document = sources.alert(alert_id)
    finally:
        sources.close()
    if document is None:
        raise StoreError(look.tr("error.no_alert", id=alert_id))
    span = slicing.span_of(document, margin)
    written, missing = cut([*map(Path, span.paths), *_captures(segments)], span, out)
    if as_json:
        look.say(json.dumps({"alert": alert_id, "files": written, "missing": missing}, ensure_ascii=False))
    else:
        for each in written:
            look.say(look.tr("slice.written", path=each["file"], packets=each["packets"], of=each["from"]))
    for each in missing:
        look.note(f"citywall: {each['reason']}")
    if not written:
        look.note(look.tr("slice.nothing"))
    return int(not written)


@command.command(cls=Command, name="join", key="pcap-join")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=_PATH)
@option("--out", "out", key="slice_out", metavar="FILE", required=True, type=_PATH)
@options.as_json
@options.looks
@click.pass_context
def join(context: click.Context, *, paths: tuple[Path, ...], out: Path, as_json: bool) -> int:
    """Put rolling captures together."""
    from ingest.capture.joining import join as joining

    look = terminal.of(context)
    files = [file for path in paths for file in (_captures([path]) if path.is_dir() else [path])]
    made = joining(files, out)
    if as_json:
        told = {"file": str(out), "files": made.files, "packets": made.packets, "errors": made.errors}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        look.say(look.tr("slice.joined", path=out, packets=made.packets, files=made.files))
        for name, n in made.errors.items():
            look.note(f"citywall: {look.tr(f'reason.{name}')}: {n}")
    return int(bool(made.errors))


def cut(paths: Sequence[Path], span: Span, out: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Write what each capture has of a span: to `out`, then with `-2` and so on; what cannot be read.

    A capture without such packets gives no file.
    """
    from playbooks import slicing

    written: list[dict[str, Any]] = []
    missing: list[dict[str, str]] = []
    for path in paths:
        target = out if not written else out.with_name(f"{out.stem}-{len(written) + 1}{out.suffix}")
        packets = 0
        try:
            pieces = slicing.packets(path, span)
            head = next(pieces, None)
            first = next(pieces, None)
            if head is None or first is None:
                continue
            with target.open("wb") as file:
                file.write(head)
                file.write(first)
                packets = 1
                for piece in pieces:
                    file.write(piece)
                    packets += 1
        except InputError as e:
            missing.append({"from": str(path), "reason": str(e)})
        except OSError as e:
            raise InputError(str(target), e.strerror or str(e)) from e
        if packets:
            written.append({"file": str(target), "from": str(path), "packets": packets})
    return written, missing


def _captures(folders: Sequence[Path]) -> list[Path]:
    """Capture files in folders of segments, oldest first."""
    return [path for folder in folders for path in sorted(folder.glob("*.pcap*")) if path.is_file()]
