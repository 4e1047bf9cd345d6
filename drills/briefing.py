"""The briefing of a drill: for trainees, without a word of what will happen; for trainers, with all of it."""

from __future__ import annotations

from collections.abc import Sequence

from alerts import times
from citywall.i18n import tr
from drills.document import Document
from drills.folder import Planned
from drills.planning import expected_of, seconds_of
from drills.traffic.kinds import KINDS
from posture import reading as registers
from posture import records as posture


def brief(planned: Planned, language: str, *, trainer: bool = False) -> Document:
    """The briefing in a language. The trainees' names no attack, host of one, detector or expectation."""
    made = Document(language)
    scenario, drill = planned.scenario, planned.drill
    made.heading(1, tr("drill_doc.brief_of", language, title=drill.title.text(language)))
    made.pairs(general(planned, language))
    made.heading(2, tr("drill_doc.purpose", language))
    made.text(scenario.purpose.text(language))
    made.heading(2, tr("drill_doc.situation", language))
    made.text(scenario.briefing.text(language))
    made.heading(2, tr("drill_doc.rules", language))
    made.text(tr("drill_doc.rules_text", language))
    made.heading(2, tr("drill_doc.participants", language))
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("unit", "person", "contact")],
        participants(registers.read([planned.register]), scenario.participants, language),
    )
    if trainer:
        _trainers(made, planned, language)
    return made


def general(planned: Planned, language: str) -> list[tuple[str, str]]:
    """What a drill is called, its form, and how long it lasts."""
    drill, scenario = planned.drill, planned.scenario
    return [
        (tr("drill_doc.name", language), drill.name),
        (tr("drill_doc.form", language), tr(f"drill_doc.form_{scenario.form}", language)),
        (tr("drill_doc.scope", language), tr(f"drill_doc.scope_{scenario.scope}", language)),
        (tr("drill_doc.planned_at", language), times.to_iso(drill.planned_at)[:19] + "Z"),
        (tr("drill_doc.scene_begins", language), times.to_iso(planned.truth.start)[:19] + "Z"),
        (tr("drill_doc.scene_lasts", language), f"{seconds_of(planned.truth):.0f} s"),
        (tr("drill_doc.digest", language), drill.digest),
    ]


def participants(register: posture.Register, units: Sequence[str], language: str) -> list[tuple[str, ...]]:
    """Units that take part, and who answers for them."""
    rows: list[tuple[str, ...]] = []
    by_id = {unit.id: unit for unit in register.units}
    for unit in (by_id[name] for name in units if name in by_id):
        called = unit.name_en if language == "en" and unit.name_en else unit.name
        rows += [
            (called, f"{p.name} ({tr(f'register.role_{p.role}', language)})", f"{p.phone} {p.email}".strip())
            for p in unit.persons
        ] or [(called, "", "")]
    return rows


def _trainers(made: Document, planned: Planned, language: str) -> None:
    scenario, known = planned.scenario, planned.truth
    made.heading(2, tr("drill_doc.storyline", language))
    made.text(tr("drill_doc.trainers_only", language))
    made.text(scenario.storyline.text(language))
    made.heading(2, tr("drill_doc.attacks", language))
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("attack", "kind", "begins", "ends", "from_whom", "to_whom",
                                                  "frames")],
        attacks(planned, language),
    )  # fmt: skip
    made.heading(2, tr("drill_doc.expected", language))
    made.table(
        [
            tr(f"drill_doc.{c}", language)
            for c in ("attack", "class", "techniques", "within", "least_severity")
        ],
        [
            (d.attack, d.class_, ", ".join(d.techniques), f"{d.within} s" if d.within else "-",
             tr(f"alerts_severity.{d.severity}", language))
            for d in expected_of(scenario, known)
        ],
    )  # fmt: skip
    made.heading(2, tr("drill_doc.responses", language))
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("attack", "acknowledge", "playbook", "start_playbook",
                                                  "close")],
        [
            (r.attack, *(f"{n} s" if n else "-" for n in (r.acknowledge,)), r.playbook or "-",
             *(f"{n} s" if n else "-" for n in (r.start_playbook, r.close)))
            for r in scenario.responses
        ],
    )  # fmt: skip


def attacks(planned: Planned, language: str) -> list[tuple[str, ...]]:
    """What happens: each attack with its times, ends and frames."""
    kinds = {attack.id: attack.kind for attack in planned.scenario.attacks}
    rows: list[tuple[str, ...]] = []
    for attack in planned.truth.attacks:
        kind = kinds.get(attack.id)
        sources = tr("drill_doc.spoofed", language) if attack.spoofed else ", ".join(attack.sources[:4])
        rows.append((
            attack.id, KINDS[kind].title(language) if kind else attack.kind,
            times.to_iso(attack.start)[:23] + "Z", times.to_iso(attack.end)[:23] + "Z",
            sources, ", ".join(attack.targets[:4]),
            f"{attack.first_frame}-{attack.last_frame} ({attack.packets})",
        ))  # fmt: skip
    return rows
