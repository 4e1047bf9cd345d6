"""How the models in use fare: too old, refused, or seeing what they did not learn from.

What the posture command and the nightly report say of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from citywall.errors import InputError, ModelRefused
from models import drift, modelfile
from models.registry import Registry

#: The kinds whose flows are in the archive.
_WATCHED = ("flow", "host")


class Health(msgspec.Struct, frozen=True):
    """One model in use. `state` is fine, stale, drifting or refused; `worst` are features by stability."""

    kind: str
    id: str
    state: str
    age_days: int
    rows: int = 0
    worst: tuple[tuple[str, int], ...] = ()  # population stability in thousandths
    reason: str = ""


Span = tuple[int, int]


def health(
    data: Path, now: int, stale_days: int, files: Sequence[Path] = (), span: Span | None = None
) -> list[Health]:
    """The models that were activated, as of `now` (ns).

    With `files` of the archive also whether they drift, in flows whose last packet is in `span` (ns).
    """
    found = []
    for entry in Registry(data).entries():
        if not entry.active or entry.shipped:
            continue
        if entry.card is None:
            reason = entry.refusal.text("en") if entry.refusal else ""
            found.append(Health(entry.kind, entry.id, "refused", 0, reason=reason))
            continue
        age = drift.age_days(entry.card.created, now)
        state, told = "stale" if age > stale_days else "fine", {}
        if files and entry.kind in _WATCHED:
            told = spread_of(entry.kind, entry.path, files, span)
            state = "drifting" if told.get("drifting") else state
        worst = [(name, round(value * 1000)) for name, value in told.get("psi", {}).items()]
        found.append(Health(entry.kind, entry.id, state, age, int(told.get("rows", 0)), tuple(worst[:3])))
    return found


def recent(data: Path, most: int = 4) -> list[Path]:
    """The newest files of the archive."""
    from models.flows import archive

    return archive.files(data)[-most:]


def spread_of(kind: str, path: Path, files: Sequence[Path], span: Span | None = None) -> dict[str, Any]:
    """The stability of a model over files of the archive; empty where there are no flows."""
    from models.flows import archive, features, hosts, model

    try:
        found = model.of(modelfile.load(path), kind, str(path))
        flows = archive.read(files, list(dict.fromkeys([*features.NEEDED, *hosts.NEEDED, "flow_id"])))
    except (ModelRefused, InputError):
        return {}
    if span is not None:
        inside = (flows["last"] >= span[0]) & (flows["last"] < span[1])
        flows = {name: column[inside] for name, column in flows.items()}
    if not len(flows["last"]):
        return {}
    rows = features.features(flows) if kind == "flow" else hosts.host_windows(flows).rows
    return drift.spread(model.FEATURES[kind], found.edges, found.shares, rows, found.score(rows))
