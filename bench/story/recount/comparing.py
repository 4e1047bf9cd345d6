"""Every figure of a report beside what is counted."""

from __future__ import annotations

from collections.abc import Mapping

from bench.story.recount import incidents, logs, people, standing
from bench.story.recount.facts import Facts, Json

#: What of a figure is beside its counts: how it is told.
_PARTS = ("inputs", "values", "rows")


def recount(figures: Mapping[str, Json], facts: Facts) -> dict[str, Json]:
    """What every figure must be."""
    flows = logs.Flows(facts)
    return {
        **incidents.counted(facts), **people.counted(facts), **logs.counted(facts, dict(figures), flows),
        **standing.counted(facts, flows),
    }  # fmt: skip


def differences(figures: Mapping[str, Json], facts: Facts) -> list[str]:
    """Every number and name of the report that is not what is counted here, and every one not counted."""
    counted = recount(figures, facts)
    found = [f"{name}: not counted" for name in sorted(figures.keys() - counted.keys())]
    found += [f"{name}: not in the report" for name in sorted(counted.keys() - figures.keys())]
    for name in sorted(figures.keys() & counted.keys()):
        for part in _PARTS:
            told, wanted = figures[name][part], counted[name][part]
            if not _same(told, wanted):
                found.append(f"{name}: {part} {told} in the report, {wanted} by count")
    return found


def _same(told: object, wanted: object) -> bool:
    """Whether both say the same. A name is in two languages in the report; in English it is enough."""
    if isinstance(told, Mapping) and isinstance(wanted, Mapping):
        return told.keys() == wanted.keys() and all(_same(told[k], wanted[k]) for k in told)
    if isinstance(told, list) and isinstance(wanted, list):
        return len(told) == len(wanted) and all(map(_same, told, wanted))
    if isinstance(told, list) and isinstance(wanted, str):
        return bool(told) and told[-1] == wanted
    return told == wanted
