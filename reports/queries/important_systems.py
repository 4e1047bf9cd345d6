"""Alerts about important hosts and systems (importance 4 or 5; GB/T 22239-2019 8.1.4.4 f)."""

from collections import Counter

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs

IMPORTANT = 4


def answer(inputs: Inputs) -> Figure:
    """Important systems of the register that alerts of the day concern, by alerts and by side."""
    if inputs.register is None:
        return absent("important_systems", "no_register")
    known = {s.id for s in inputs.register.systems if s.importance >= IMPORTANT}
    if not known:
        return absent("important_systems", "none_important")
    counts: Counter[tuple[str, str]] = Counter()
    concerned = set()
    for alert in inputs.begun:
        for touched in alert.touched:
            if touched.system and (touched.system in known or (touched.importance or 0) >= IMPORTANT):
                counts[touched.system, touched.side] += 1
                concerned.add(alert.id)
    ordered = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))
    return Figure(
        "important_systems", "observed", (), {"alerts": len(inputs.begun), "important": len(known)},
        {"alerts": len(concerned), "systems": len({system for system, _ in counts})},
        (Column("system", "name"), Column("side", "side"), Column("alerts", "count")),
        tuple((inputs.system_name(system), side, n) for (system, side), n in ordered),
    )  # fmt: skip


QUERY = Query("important_systems", "foremost", answer)
