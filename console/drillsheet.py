"""Drills as rows and sections of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.casetext import Teller, short
from console.display.sheet import Section
from console.display.table import Cell, Column, Row
from console.text import clean

if TYPE_CHECKING:
    from drills.document import Block
    from drills.folder import Planned
    from drills.running import Observed


def drill_columns(teller: Teller) -> list[Column]:
    """The columns of a list of drills."""
    return [
        Column(teller.tr("app_drill.name"), least=12),
        Column(teller.tr("drill.title"), least=16),
        Column(teller.tr("app_drill.planned"), drop=1),
        Column(teller.tr("app_drill.ran")),
    ]


def drill_row(planned: Planned, finished: int, teller: Teller) -> Row:
    """The cells of a drill; `finished` is when its run ended (ns), 0 where there is none."""
    drill = planned.drill
    title = drill.title.zh if teller.speech == "zh" else drill.title.en
    ran = Cell(short(finished), "green") if finished else Cell(teller.tr("app_drill.not_run"), "yellow")
    return [Cell(clean(drill.name), "bold"), clean(title), short(drill.planned_at), ran]


def sections(planned: Planned, observed: Observed | None, teller: Teller) -> list[Section]:
    """The briefing; and the score where the drill was run, for that tells what was to be found."""
    from drills import briefing, record, scoring
    from drills.document import Document

    found = blocks(briefing.brief(planned, teller.speech).blocks)
    if observed is None or observed.run is None:
        return found
    drill = planned.drill
    made = scoring.score(drill.name, drill.digest, planned.scenario, planned.truth, observed)
    told = Document(teller.speech)
    record.show_score(told, made)
    return [*blocks(told.blocks), *found]


def blocks(found: list[Block]) -> list[Section]:
    """A document as sections: each heading begins one, and so does a table after a table."""
    from drills.document import Heading, Paragraph

    made = [Section()]
    for block in found:
        if isinstance(block, Heading):
            made.append(Section(clean(block.text)))
        elif isinstance(block, Paragraph):
            made[-1].prose += [clean(line) for line in block.text.splitlines()]
        elif not any(block.columns):
            for name, value in block.rows:
                made[-1].say(clean(name), clean(value))
        elif block.rows:
            if made[-1].rows:
                made.append(Section())
            made[-1].columns = [Column(clean(name), least=6) for name in block.columns]
            made[-1].rows = [[clean(cell) for cell in row] for row in block.rows]
    return made
