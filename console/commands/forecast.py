"""`citywall models forecast`: alerts of the next day, and the next stage of open cases."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, since, terminal
from console.framework import Command, option
from console.text import clean

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.terminal import Terminal
    from models.forecast.volume import Forecast

_DAY_NS = 86_400_000_000_000
#: Stages of a case, with no further one.
_STAGES = (0, 1, 2, 3, 4, 5)


@click.command(cls=Command, name="forecast", key="models-forecast")
@option("--at", "at", key="models_at", metavar="T")
@option("--days", "days", key="models_days", type=click.IntRange(3, 730), default=56, show_default=True)
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    at: str | None,
    days: int,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Forecast alerts and stages."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if settings.store_embedded:
        options.need_data(data, look)
    now = time.time_ns()
    until = now if at is None else since.parse(at, look.speech, now)
    volumes = _volumes(settings, data, until, days)
    stages = _stages(settings, data, until)
    if as_json:
        told = {"volume": [_built(v) for v in volumes], "stages": stages}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        _show(volumes, stages, look)


def _built(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _volumes(settings: Settings, data: Path, until: int, days: int) -> list[Forecast]:
    from alerts import times
    from alerts.store import open_store
    from models.forecast import volume

    groups: dict[str, list[int]] = {"all": []}
    store = open_store(settings.store, data, read_only=True, elasticsearch=settings.elasticsearch)
    try:
        for document in store.scan(since=until - days * _DAY_NS, until=until, lane=settings.lane):
            moment = times.from_iso(str(document["@timestamp"]))
            for name in _groups(document):
                groups.setdefault(name, []).append(moment)
    finally:
        store.close()
    return volume.by_group(groups, until, days)


def _groups(document: dict[str, Any]) -> Iterator[str]:
    """Everything, its class, the unit that answers."""
    yield "all"
    yield f"class:{document['citywall'].get('gb20986', {}).get('class') or 'other'}"
    if unit := document.get("organization", {}).get("id"):
        yield f"unit:{unit}"


def _stages(settings: Settings, data: Path, until: int) -> dict[str, Any]:
    """Open cases and how likely each next stage is, where the past was foretold better so."""
    from alerts.cases.casebook import Casebook
    from alerts.documents import documents_of
    from models.forecast.stages import Chain, backtest

    known: list[Any] = []
    documents = documents_of(data, settings)
    if documents.there:
        views = Casebook(documents, settings.cases).views()
        known = sorted((v for v in views if v.case.first < until and v.case.lane == settings.lane),
                       key=lambda v: (v.case.first, v.case.id))  # fmt: skip
    paths = {
        v.case.id: [m.stage for m in sorted(v.case.members, key=lambda m: (m.start, m.id))] for v in known
    }
    closed = [paths[v.case.id] for v in known if not v.open]
    tried, chain = backtest(closed, _STAGES), Chain()
    for path in closed:
        chain.learn(path)
    opened = [
        {"case": v.case.id, "stages": paths[v.case.id],
         "next": {str(s): round(p, 4) for s, p in chain.next(paths[v.case.id], _STAGES).items()}}
        for v in known if v.open and tried.shown
    ]  # fmt: skip
    return {"backtest": _built(tried), "cases": opened}


def _show(volumes: list[Forecast], stages: dict[str, Any], look: Terminal) -> None:
    from console.display.table import Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("forecast.group"), least=12),
        Column(look.tr("forecast.next_day"), right=True),
        Column(look.tr("forecast.interval"), right=True, drop=1),
        Column(look.tr("forecast.naive"), right=True),
        Column("MASE", right=True),
        Column(look.tr("forecast.tried"), right=True, drop=2),
    ]
    rows: list[list[Any]] = []
    for one in volumes:
        shown = one.total is not None
        mase = one.backtest.mase
        rows.append([
            clean(one.group), f"{one.total:,.1f}" if shown else look.tr("forecast.hidden"),
            f"{sum(one.low):,.0f} - {sum(one.high):,.0f}" if shown else "", f"{one.naive_total:,.0f}",
            "-" if mase is None else f"{mase:.2f}", str(one.backtest.days),
        ])  # fmt: skip
    if not write_table(look, columns, rows):
        look.note(look.tr("forecast.too_little"))
    tried = stages["backtest"]
    words = {
        "steps": tried["steps"],
        "ours": f"{tried['ours']:.0%}",
        "commonest": f"{tried['commonest']:.0%}",
    }
    look.say(look.tr("forecast.stages" if tried["shown"] else "forecast.stages_hidden", **words))
    for case in stages["cases"]:
        likely = sorted(case["next"].items(), key=lambda item: -item[1])[:3]
        said = ", ".join(f"{look.tr(f'forecast.stage_{stage}')} {share:.0%}" for stage, share in likely)
        look.say(look.tr("forecast.case", case=case["case"][:12], next=said))
