"""A notice on paper: the letter that goes to the unit, as typst's source and the data it is set from.

Whatever sets it gives the template `data` and `lang` as variables and the typeface; so the same notice gives
the same bytes, and what people wrote is never read as markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import times
from alerts.duties.notices import Notice
from alerts.duties.numbering import BEIJING, beijing
from citywall.i18n import tr

#: Sets a template with data: (source, data) to the bytes of a PDF.
Render = Callable[[str, dict[str, Any]], bytes]

SOURCE = """\
#let red = rgb("#b3261e")
#set document(title: data.title)
#set page(paper: "a4", margin: (x: 27mm, top: 30mm, bottom: 28mm), numbering: "— 1 —")
#set text(size: 12pt)
#set par(justify: true, leading: 0.95em, first-line-indent: (amount: 2em, all: true))
#let flush(body) = { set par(first-line-indent: 0em); body }
#if data.exercise != "" {
  place(top + center, dy: -16mm, flush(box(stroke: 1pt + red, inset: 5pt, text(14pt, red, data.exercise))))
}
#align(center, flush(text(24pt, red, stroke: 0.03em + red, data.head)))
#align(center, flush(text(12pt, data.letter)))
#line(length: 100%, stroke: 1.2pt + red)
#v(8pt)
#align(center, flush(text(17pt, stroke: 0.025em, data.title)))
#v(6pt)
#flush(data.addressee)

#data.opening

#for part in data.parts {
  flush(block(above: 14pt, text(stroke: 0.025em, part.title)))
  for paragraph in part.paragraphs { par(paragraph) }
}
#v(6pt)
#flush(table(
  columns: (auto, 1fr), inset: 6pt, stroke: 0.5pt,
  ..data.rows.flatten().map(cell => text(10.5pt, cell)),
))
#v(10pt)
#data.closing
#v(18pt)
#align(right, flush[#data.sender #linebreak() #data.date])
#v(14pt)
#block(breakable: false, width: 100%)[
  #line(length: 100%, stroke: 0.5pt)
  #flush(text(9.5pt, data.foot))
]
#if data.history.len() > 0 {
  flush(block(above: 14pt, text(10.5pt, stroke: 0.025em, data.history_title)))
  flush(table(
    columns: (auto, auto, auto, 1fr), inset: 5pt, stroke: 0.5pt,
    ..data.history.flatten().map(cell => text(9pt, cell)),
  ))
}
"""


def pdf(notice: Notice, language: str, render: Render) -> bytes:
    """The letter as PDF."""
    return render(SOURCE, content(notice, language))


def content(notice: Notice, language: str) -> dict[str, Any]:
    """What stands in the letter, in words; times in Beijing time."""

    def say(key: str, **values: object) -> str:
        return tr(f"notice_paper.{key}", language, **values)

    parts = [("findings", notice.findings), ("demands", notice.demands)]
    rows = [
        (say("number"), notice.id),
        (say("kind"), tr(f"notice_kind.{notice.kind}", language)),
        *([(say("level"), tr(f"case_level.{notice.level}", language))] if notice.level else ()),
        (say("receipt_due"), stamp(notice.receipt_due)),
        (say("due"), stamp(notice.due)),
        *([(say("cases"), ", ".join(notice.cases))] if notice.cases else ()),
        *([(say("contact"), notice.contact)] if notice.contact else ()),
    ]
    # The letter itself is the same for ever; what happened since stands below it.
    history = [
        (stamp(s.at), tr(f"notice_step.{s.what}", language), s.by, _said(s.value, s.text, language))
        for s in notice.history[1:]
    ]
    actual, day = notice.actual, beijing(notice.issued)
    return {
        "exercise": "" if actual == "Actual" else say(actual.lower()),
        "head": say("head"), "letter": notice.letter, "title": notice.title,
        "addressee": say("addressee", unit=notice.unit_name or notice.unit),
        "opening": say("opening"),
        "parts": [
            {"title": say(name), "paragraphs": [line for line in text.split("\n") if line.strip()]}
            for name, text in parts
        ],
        "rows": [list(row) for row in rows],
        "closing": say("closing", receipt=stamp(notice.receipt_due), due=stamp(notice.due)),
        "sender": notice.sender, "date": say("date", year=day.year, month=day.month, day=day.day),
        "foot": say("foot"),
        "history_title": say("history"), "history": [list(row) for row in history],
    }  # fmt: skip


def stamp(moment: int) -> str:
    """A moment (ns) to the minute, in Beijing time."""
    return f"{beijing(moment):%Y-%m-%d %H:%M}"


def _said(value: str, text: str, language: str) -> str:
    if value.isdecimal():
        value = stamp(int(value))
    elif value:
        value = tr(f"notice_status.{value}", language)
    return " ".join(filter(None, (value, text)))


def end_of_day(moment: int, days: int) -> int:
    """The last second of the day in Beijing `days` after a moment (ns): terms in days end so."""
    begins = beijing(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    elapsed = begins.astimezone(BEIJING).timestamp()
    return int(elapsed) * times.SECOND + (days + 1) * times.DAY - times.SECOND
