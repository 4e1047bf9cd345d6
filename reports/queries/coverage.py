"""Which systems of the register were seen: whose hosts sent packets in the day, by the archive of flows."""

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Systems by unit: entered in the register, and seen; systems with no host entered can never be seen."""
    if inputs.register is None:
        return absent("coverage", "no_register")
    if not inputs.flows:
        return absent("coverage", "nothing_seen")
    systems = inputs.register.systems
    held = {a.system for a in inputs.register.assets} | {p.system for p in inputs.register.prefixes}
    seen = {system for system, _ in inputs.seen if system}
    units = sorted({s.unit for s in systems})
    unheld = sum(s.id not in held for s in systems)
    rows = []
    for unit in units:
        own = [s for s in systems if s.unit == unit]
        rows.append((inputs.unit_name(unit), len(own), sum(s.id in seen for s in own)))
    return Figure(
        "coverage",
        "observed" if all(s.id in seen for s in systems) else "partial",
        (Said("unheld", {"count": unheld}),) if unheld else (),
        {"flows": inputs.flows, "files": inputs.flow_files, "hosts": inputs.hosts},
        {"systems": len(systems), "seen": sum(s.id in seen for s in systems), "unheld": unheld},
        (Column("unit", "name"), Column("systems", "count"), Column("seen", "count")),
        tuple(rows),
    )


QUERY = Query("coverage", "watch", answer)
