"""What a run begins with: variables that are given, and those that its alert fills in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citywall.errors import UsageError
from playbooks import variables
from playbooks.cacao import Action, Playbook
from playbooks.state import Run, Unit

#: Names that an alert fills in, and where its document has them.
FROM_ALERT: dict[str, tuple[str, ...]] = {
    "__alert_id__": ("event", "id"),
    "__alert_time__": ("@timestamp",),
    "__message__": ("message",),
    "__severity__": ("event", "severity"),
    "__rule__": ("rule", "id"),
    "__kind__": ("event", "action"),
    "__source_ip__": ("source", "ip"),
    "__source_port__": ("source", "port"),
    "__destination_ip__": ("destination", "ip"),
    "__destination_port__": ("destination", "port"),
    "__gb20986_subclass__": ("citywall", "gb20986", "subclass"),
    "__unit__": ("organization", "id"),
    "__unit_name__": ("organization", "name"),
    "__first_seen__": ("citywall", "dedup", "first_seen"),
    "__last_seen__": ("citywall", "dedup", "last_seen"),
}
CASE = "__case__"


def gathered(
    playbook: Playbook, given: Mapping[str, str], alert: Mapping[str, Any] | None, case: str
) -> dict[str, str]:
    """Values of a playbook's external variables; raises UsageError for one missing, unknown or unfit."""
    declared = playbook.playbook_variables
    named = {_full(name): value for name, value in given.items()}
    for name in named:
        if name not in declared or not declared[name].external:
            outside = ", ".join(n for n, v in declared.items() if v.external) or "none"
            raise UsageError(f"{name} is no variable that is given from outside; there are {outside}")
    found: dict[str, str] = {}
    for name, variable in declared.items():
        if not variable.external:
            continue
        value = named.get(name, _from_alert(name, alert, case))
        if value is None and variable.value is None:
            raise UsageError(
                f"variable {name} is not given: --var {name.strip('_')}=VALUE, or an alert that has it"
            )
        if value is not None:
            if not variables.fits(variable.type, value):
                raise UsageError(f"variable {name} must be of type {variable.type}, not {value[:80]!r}")
            found[name] = value
    return found


def lane_of(alert: Mapping[str, Any] | None, lane: str) -> str:
    """The lane of a run: that of its alert, so that a drill's alert blocks nobody."""
    found = (alert or {}).get("citywall", {}).get("lane")
    return found if isinstance(found, str) and found else lane


def outputs_of(
    given: Mapping[str, str], books: Mapping[str, Playbook], run: Run, unit: Unit
) -> dict[str, str]:
    """What somebody answered, by the names of the step's `out_args`; raises UsageError for others."""
    book = books[run.books[run.scopes[unit.scope].book]]
    step = book.workflow[unit.step]
    assert isinstance(step, Action)
    found = {}
    for name, value in given.items():
        full = _full(name)
        if full not in step.out_args:
            asked = ", ".join(step.out_args) or "none"
            raise UsageError(f"{full} is not asked for here; asked for: {asked}")
        variable = book.playbook_variables.get(full) or step.step_variables.get(full)
        if variable is not None and not variables.fits(variable.type, value):
            raise UsageError(f"variable {full} must be of type {variable.type}, not {value[:80]!r}")
        found[full.strip("_")] = value
    return found


def _full(name: str) -> str:
    return name if name.startswith("__") and name.endswith("__") else f"__{name}__"


def _from_alert(name: str, alert: Mapping[str, Any] | None, case: str) -> str | None:
    if name == CASE:
        return case or None
    path = FROM_ALERT.get(name)
    at: Any = alert
    for part in path or ():
        at = at.get(part) if isinstance(at, Mapping) else None
    if name in {"__source_ip__", "__destination_ip__"} and at is None and alert is not None:
        at = _only(alert, "sources" if name == "__source_ip__" else "targets")
    return None if path is None or at is None or isinstance(at, dict | list) else str(at)


def _only(alert: Mapping[str, Any], side: str) -> str | None:
    """The one host of a side that the finding left open; None where there are several."""
    found = alert.get("citywall", {}).get(side, {})
    sample = found.get("sample") or []
    return str(sample[0]) if found.get("count") == 1 and len(sample) == 1 else None
