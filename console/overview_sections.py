"""The overview drawn: bars of counts, the trend, the newest alerts."""

from __future__ import annotations

from collections.abc import Sequence

from alerts import times
from citywall.i18n import known, tr
from console import severity, units
from console.display import bars
from console.display.sheet import Line, Section
from console.listing import alert_columns, alert_row
from console.overview import HOURS, Overview
from console.text import clean, pad, width

_CHART = 5
_BAR = 12
#: Bars of the trend at most, and cells beside them.
_BARS = 112
_BESIDE = 8


def sections(found: Overview, language: str, cells: int, *, unit: bool) -> list[Section]:
    """Everything, for `cells` of a line."""
    newest = Section(tr("app_overview.newest", language))
    newest.columns = alert_columns(language, unit=unit)
    newest.rows = [alert_row(document, language, unit=unit) for document in found.newest]
    return [by_severity(found, language), by_class(found, language), trend(found, language, cells), newest]


def by_severity(found: Overview, language: str) -> Section:
    """A bar a grade: all alerts, and those of the last hours."""
    section = Section(f"{tr('app_overview.total', language)}  {units.count(found.total)}")
    most = max(found.by_severity.values(), default=0)
    wide = max((len(units.count(n)) for n in found.by_severity.values()), default=1)
    for grade, count in found.by_severity.items():
        recent = units.count(found.recent.get(grade, 0))
        section.lines.append([
            ("  ", ""), (severity.mark(grade, language), severity.style(grade)), (" ", ""),
            (_bar(count, most), _colour(grade)),
            (f" {units.count(count):>{wide}}", "bold" if count else "dim"),
            (f"  {tr('app_overview.recent', language)} {recent}" if found.total else "", "dim"),
        ])  # fmt: skip
    return section


def by_class(found: Overview, language: str) -> Section:
    """A bar a class, most first."""
    section = Section(tr("app_overview.by_class", language))
    most = max(found.by_class.values(), default=0)
    names = {name: _named(name, language) for name in found.by_class}
    wide = max((width(said) for said in names.values()), default=0)
    for name, count in found.by_class.items():
        section.lines.append([
            ("  ", ""), (pad(names[name], wide), ""), (" ", ""), (_bar(count, most), "cyan"),
            (f" {units.count(count)}", "bold"),
        ])  # fmt: skip
    return section


def trend(found: Overview, language: str, cells: int) -> Section:
    """Alerts of the last hours of event time as bars in `cells`, coloured by the worst in each."""
    if not found.until:
        return Section()
    cells = min(max(cells - _BESIDE, 20), _BARS)
    until = times.to_iso(found.until)[:16].replace("T", " ")
    section = Section()
    per = -(-HOURS * 60 // cells)  # whole minutes a bar
    number = HOURS * 60 // per
    counts = bars.buckets([(m, n) for m, _, n in found.minutes], found.since, found.until, number)
    worst = [0] * number
    for minute, grade, _ in found.minutes:
        at = (minute - found.since) * number // (found.until - found.since)
        if 0 <= at < number:
            worst[at] = max(worst[at], grade)
    said = tr("app_overview.most", language, minutes=per, count=units.count(max(counts, default=0)))
    section.lines.append([(tr("app_overview.trend", language, until=until), "bold"), (f"   {said}", "dim")])
    for line in bars.bars(counts, _CHART):
        section.lines.append([("  ", ""), *_coloured(line, worst)])
    section.lines.append([("  ", ""), (_axis(found, number), "dim")])
    return section


def _coloured(line: str, worst: Sequence[int]) -> Line:
    pieces: Line = []
    for character, grade in zip(line, worst, strict=True):
        style = _colour(grade)
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + character, style)
        else:
            pieces.append((character, style))
    return pieces


def _axis(found: Overview, number: int) -> str:
    line = ""
    for quarter in range(4):
        stamp = times.to_iso(found.since + (found.until - found.since) * quarter // 4)[11:16]
        line = pad(line, number * quarter // 4) + stamp
    end = times.to_iso(found.until)[11:16]
    return pad(line, max(number - 5, len(line) + 1)) + end


def _colour(grade: int) -> str:
    """The colour of a grade for bars, which are drawn and not written."""
    return "bright_red" if grade >= 5 else severity.style(max(grade, 1))


def _bar(count: int, most: int) -> str:
    filled = 0 if count <= 0 else max(round(count * _BAR / most), 1)
    return pad("█" * filled, _BAR)


def _named(name: str, language: str) -> str:
    key = f"alerts_class.{name}"
    return tr(key, language) if known(key) else clean(name)
