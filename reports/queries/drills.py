"""Drills (演练) of the year before the day's end, newest first, with their scores (GB/T 38645-2020)."""

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs

YEAR = 365 * 86_400 * 1_000_000_000


def answer(inputs: Inputs) -> Figure:
    """A row a drill: coverage, precision, seconds to detect, acknowledge and respond."""
    if inputs.drills is None:
        return absent("drills", "room_absent", room="drills")
    until, damaged = inputs.day.until, inputs.damaged_drills
    found = sorted(
        (d for d in inputs.drills if until - YEAR <= d.held < until), key=lambda d: (-d.held, d.id)
    )
    return Figure(
        "drills", "partial" if damaged else "observed",
        (Said("drills_damaged", {"names": ", ".join(damaged)}),) if damaged else (),
        {"drills": len(found), "shown": inputs.top}, {"drills": len(found)},
        (Column("drill", "name"), Column("held"), Column("coverage", "permille"),
         Column("precision", "permille"),
         Column("detect", "seconds"), Column("acknowledge", "seconds"), Column("respond", "seconds")),
        tuple(
            ([*d.scenario], inputs.day.local(d.held)[:10], d.coverage, d.precision, d.detect, d.acknowledge,
             d.respond)
            for d in found[: inputs.top]
        ),
    )  # fmt: skip


QUERY = Query("drills", "response", answer)
