"""Live sensors: packets, packets their kernels dropped, silence."""

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """What the run last told of its sensors; counts are since it began, not of the day alone."""
    run = inputs.run
    if run is None:
        return absent("sensors", "no_status")
    if not (run.began < inputs.day.until and run.at >= inputs.day.since):
        return absent("sensors", "status_elsewhere", at=inputs.day.local(run.at))
    if not run.sensors:
        return absent("sensors", "no_sensors", state=run.state)
    dropped = [s.name for s in run.sensors if s.dropped]
    reasons = [Said("sensor_dropped", {"sensor": name}) for name in dropped]
    reasons += [Said("sensor_silent", {"sensor": name}) for name in run.silent]
    return Figure(
        "sensors", "partial" if reasons else "observed", tuple(reasons),
        {"at": inputs.day.local(run.at), "began": inputs.day.local(run.began), "state": run.state},
        {"sensors": len(run.sensors), "dropped": dropped, "silent": list(run.silent)},
        (Column("sensor"), Column("packets", "count"),
         Column("dropped", "count"), Column("behind", "seconds")),
        tuple((s.name, s.packets, s.dropped, s.behind) for s in run.sensors),
    )  # fmt: skip


QUERY = Query("sensors", "watch", answer)
