"""Learned models in use: how old they are, and whether the day's flows are like those they learned from."""

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """A row a model; those that are stale, drifting or refused are said first."""
    if not inputs.models:
        return absent("models", "model_none")
    ill = [m for m in inputs.models if m.state != "fine"]
    return Figure(
        "models", "partial" if ill else "observed",
        tuple(Said(f"model_{m.state}", {"kind": m.kind, "id": m.id, "days": m.age_days}) for m in ill),
        {"models": len(inputs.models)}, {"models": len(inputs.models), "ill": [m.id for m in ill],
         "serving": sum(m.serves and m.state != "refused" for m in inputs.models)},
        (Column("model"), Column("model_kind"), Column("age_days", "count"), Column("rows", "count"),
         Column("worst_feature"), Column("stability", "permille")),
        tuple(
            (m.id, m.kind, m.age_days, m.rows, *(m.worst[0] if m.worst else ("", None)))
            for m in inputs.models
        ),
    )  # fmt: skip


QUERY = Query("models", "watch", answer)
