"""How the run fares: what `citywall status` tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from textual.widget import Widget

from citywall.i18n import tr
from console import units
from console.app.pane import Pane
from console.app.view import View
from console.display.sheet import Section
from console.display.table import Cell, Column
from console.text import clean
from stream import health
from stream.health import Health


class StatusView(View):
    """Stages with what waits before each, checkpoints, store, sensors, faults."""

    kind = "status"
    reads = ""
    hints = (("c", "copy"), ("y", "copy_document"))

    def body(self) -> Iterable[Widget]:
        """The sections."""
        yield Pane()

    def health_changed(self) -> None:
        """News of the run."""
        self.retell()

    def load(self) -> None:
        """The application reads it every second."""
        self.retell()

    def retell(self) -> None:
        """Lay out what is known."""
        super().retell()
        if self.stands:
            self.query_one(Pane).show(sections(self.own.health, self.own.cut_off, self.speech))

    def copied(self) -> str:
        """Where the run is."""
        return str(self.own.sources.data)

    def document(self) -> dict[str, Any] | None:
        """The status as `citywall status --json` has it."""
        found = self.own.health
        if found is None:
            return None
        told: dict[str, Any] = msgspec.to_builtins(found)
        return told | {"cut_off": self.own.cut_off, "age_s": round(health.age_s(found), 3)}


def sections(found: Health | None, cut_off: bool, language: str) -> list[Section]:
    """What is known of a run, as sections."""
    if found is None:
        section = Section(tr("app_overview.run", language))
        section.prose.append(tr("app_overview.no_run", language))
        return [section]
    return [_head(found, cut_off, language), _faults(found, language), _sensors(found, language),
            _stages(found, language)]  # fmt: skip


def _head(found: Health, cut_off: bool, language: str) -> Section:
    state = "cut_off" if cut_off else found.state
    said = tr(f"status.{state}", language, pid=found.pid, reason=clean(found.reason))
    section = Section()
    section.lines.append([(said, "bold red" if state in {"cut_off", "failed"} else "bold green")])
    age = health.age_s(found)
    if state == "running" and age > 5:
        section.lines.append([("  " + tr("status.stale", language, seconds=f"{age:.0f}"), "bold yellow")])
    if found.path:
        said = tr("status.input", language, session=found.session, sessions=found.sessions, path=found.path)
        section.lines.append([("  " + clean(said), "")])
    for name, count in found.totals.items():
        said = _named(f"run.{name}", _named(f"summary.{name}", name, language), language)
        section.say(said, units.count(count))
    store = found.store
    key = "status.waiting" if store.waiting_for else "status.available"
    line = tr(key, language, reason=clean(store.waiting_for))
    if store.waits:
        line += tr("status.waited", language, seconds=f"{store.waited_s:.1f}", waits=store.waits)
    section.say(tr("status.store", language, url=""), f"{store.url}: {line}",
                "yellow" if store.waiting_for else "")  # fmt: skip
    section.say(tr("summary.peak_memory", language), units.size(found.peak_memory_bytes))
    if found.dead_letters:
        section.prose.append(tr("status.dead_letters", language, n=found.dead_letters))
    return section


def _faults(found: Health, language: str) -> Section:
    section = Section()
    for fault in found.faults:
        line = tr(f"status.fault_{fault.kind}", language, sensor=fault.sensor, n=units.count(fault.n))
        section.lines.append([("  " + clean(line), "bold red")])
    return section


def _sensors(found: Health, language: str) -> Section:
    section = Section(tr("app_overview.sensors", language))
    for sensor in found.sensors:
        key = "status.sensor_ended" if sensor.ended else "status.sensor"
        counts = {"packets": units.count(sensor.packets), "dropped": units.count(sensor.dropped)}
        line = tr(key, language, path=sensor.path, behind=f"{sensor.behind_s:.0f}", **counts)
        section.prose.append(clean(line))
    return section


def _stages(found: Health, language: str) -> Section:
    section = Section(tr("run.stages", language))
    section.columns = [
        Column(tr("status.stage", language)),
        Column("", drop=3),
        Column(tr("status.items", language), right=True),
        Column(tr("status.lag", language), right=True),
        Column(tr("status.checkpoint", language), right=True, drop=1),
        Column(tr("status.cpu", language), right=True, drop=2),
    ]
    section.rows = [
        [
            Cell(f"{s.stage}/{s.partition}", "bold"),
            Cell(_named(f"stream_stage.{s.stage}", "", language), "dim"),
            units.count(s.items),
            Cell(units.count(lag := sum(s.lag.values())), "yellow" if lag > 100 else ""),
            "" if s.checkpoint_age_s is None
            else tr("status.ago", language, seconds=f"{s.checkpoint_age_s:.0f}"),
            f"{s.cpu_seconds:.1f} s",
        ]
        for s in found.stages
    ]  # fmt: skip
    return section


def _named(key: str, otherwise: str, language: str) -> str:
    from citywall.i18n import known

    return tr(key, language) if known(key) else otherwise
