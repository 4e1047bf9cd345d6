"""What is done from the console, done by the service's own commands for who has a session there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from alerts.handling import ACTION
from alerts.workflow import Versioned
from citywall.errors import Refused, StoreConflict, StoreError, UsageError
from citywall.permissions import Target

if TYPE_CHECKING:
    from alerts.cases.work import Step
    from console.service.client import Session

#: The commands for steps on a case: words behind its id.
_STEPS: dict[str, Callable[[Step], list[str]]] = {
    "assign": lambda step: [step.value],
    "comment": lambda _: [],
    "status": lambda step: [step.value],
    "grade": lambda step: [step.value],
    "close": lambda step: [f"--outcome={step.value}"],
    "reopen": lambda _: [],
}
_NAMES = {"status": "move"}


def done(session: Session, action: str, target: Target, *argv: str) -> str:
    """What a command says as JSON. Raises Refused, StoreConflict, UsageError, StoreError and StreamError."""
    assert session.identity is not None
    user = session.identity.user
    code, said, complaint = session.run(*argv, "--as", user, "--json")
    if code == 0:
        return said
    error = _error(complaint)
    match error.get("type"):
        case "StoreConflict":
            raise StoreConflict(error["message"])
        case "Refused":
            raise Refused(error.get("code", "role"), user, action, str(target))
        case "UsageError" if not session.alive():
            raise Refused("no_longer", user, action, str(target))
        case "UsageError":
            raise UsageError(error["message"])
        case _:
            raise StoreError(error.get("message") or complaint.strip())


def change(
    session: Session, alert_id: str, version: str, *, status: str | None, owner: str | None, note: str | None
) -> Versioned:
    """As :meth:`alerts.handling.Handling.change`; raises the same, and StreamError."""
    given = [("--status", status), ("--owner", "-" if owner == "" else owner), ("--note", note)]
    argv = [f"{name}={value}" for name, value in given if value is not None]
    target = Target("alert", alert_id)
    said = done(session, ACTION, target, "alerts", "work", alert_id, f"--version={version}", *argv)
    return msgspec.json.decode(said, type=Versioned)


def step(session: Session, case: str, taken: Step, action: str) -> None:
    """Take a step on a case; one whose kind has no command is an UsageError."""
    words = _STEPS.get(taken.what)
    if words is None:
        raise UsageError(f"{taken.what} is done by `citywall cases`")
    name = _NAMES.get(taken.what, taken.what)
    texts = [f"--text={taken.text}"] if taken.what != "assign" else []
    done(session, action, Target("case", case), "cases", name, case, *words(taken), *texts)


def notice(session: Session, number: str, what: str, *, text: str, result: str, action: str) -> None:
    """Take a step on a notice."""
    argv = [number, *([result] if result else []), f"--text={text}"]
    done(session, action, Target("notice", number), "notices", what, *argv)


def request(session: Session, playbook: str, *, live: bool, alert: str, case: str) -> str:
    """Ask for a run of a playbook; returns its id."""
    argv = [*(["--live"] if live else []), f"--alert={alert}", f"--case={case}"]
    target = Target("playbook", playbook)
    said = done(session, "playbooks.request", target, "playbooks", "run", playbook, *argv)
    return str(json.loads(said)["id"])


def approve(session: Session, run: str, seen: str, key: str) -> None:
    """Approve what a run waits for."""
    _on_run(session, "playbooks.approve", "approve", run, f"--seen={seen}", f"--step={key}")


def reject(session: Session, run: str, reason: str, key: str) -> None:
    """Say no to what a run waits for."""
    _on_run(session, "playbooks.approve", "approve", run, f"--no={reason}", f"--step={key}")


def answer(
    session: Session, run: str, outcome: str, key: str, *, note: str, outputs: Mapping[str, str]
) -> None:
    """Say what became of a step that people do."""
    given = [f"--out={name}={value}" for name, value in outputs.items()]
    _on_run(session, "playbooks.request", "answer", run, outcome, f"--step={key}", f"--note={note}", *given)


def abort(session: Session, run: str, reason: str) -> None:
    """End a run."""
    _on_run(session, "playbooks.request", "abort", run, f"--reason={reason}")


def rollback(session: Session, run: str, reason: str) -> None:
    """Take back what a run did."""
    _on_run(session, "playbooks.rollback", "rollback", run, f"--reason={reason}")


def _on_run(session: Session, action: str, name: str, run: str, *argv: str) -> None:
    done(session, action, Target("playbook_run", run), "playbooks", name, run, *argv)


def _error(complaint: str) -> dict[str, Any]:
    """The object among what a command complains of."""
    for line in reversed(complaint.splitlines()):
        if line.startswith("{"):
            found = json.loads(line)["error"]
            assert isinstance(found, dict)
            return found
    return {}
