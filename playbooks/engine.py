"""The engine: a run and an event give the run after it, and what is due. Nothing else: no clock, no file.

:func:`step` is the whole of it. Steps that need nobody (start, end, conditions, joins) are gone through
within one event; what acts on the world becomes a unit, whose stages are events of their own: looked at,
approved, begun, done. So whoever finds a run after a crash knows from its events what may have been done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from citywall import approvals
from citywall.permissions import Identity
from playbooks import effects as due_
from playbooks import events as e
from playbooks.actions.base import Result, Told
from playbooks.cacao import Playbook
from playbooks.effects import Effect
from playbooks.state import MAX_LEVEL, OPEN, Run, Scope, Unit
from playbooks.walking import Walk, bind_request

Books = Mapping[str, Playbook]


class Impossible(Exception):
    """An event that cannot happen to the run as it is: `code` of the catalogue's section `refused`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def step(run: Run | None, event: e.Event, now: int, books: Books) -> tuple[Run, tuple[Effect, ...]]:
    """The run after `event`, which happened at `now` (ns), and what is due then.

    `books` has the playbooks of the run by digest. Raises Impossible; `run` itself is left as it was.
    """
    after = _begun(event, now) if run is None else copy(run)
    _Machine(after, books, now).take(event)
    return after, due(after, now)


def replay(journal: Sequence[tuple[int, e.Event]], books: Books) -> Run:
    """The run that events, each with its time, come to."""
    run: Run | None = None
    for now, event in journal:
        run, _ = step(run, event, now, books)
    assert run is not None
    return run


def copy(run: Run) -> Run:
    """A run of its own."""
    return msgspec.json.decode(msgspec.json.encode(run), type=Run)


def due(run: Run, now: int) -> tuple[Effect, ...]:
    """What is to be done now, in order. The same run and time always give the same."""
    running = run.status == "running"
    delayed = [t for t in run.tokens.values() if t.stage == "delayed"] if running else []
    found: list[Effect] = [due_.Wake(token.id) for token in delayed if token.at <= now]
    for unit in run.units.values():
        found += _due_of(run, unit, now)
    if run.status == "rolling_back":
        held = sorted((u for u in run.units.values() if u.held), key=lambda u: -u.order)
        found += [due_.Undo(held[0].key)] if held else []
    return tuple(found)


def wakes(run: Run) -> int | None:
    """When something is due next by itself (ns); None where only people or nothing is waited for."""
    times = [t.at for t in run.tokens.values() if t.stage == "delayed" and run.status == "running"]
    times += [u.due for u in run.waiting if u.due and u.level < MAX_LEVEL]
    times += [u.result.until for u in run.units.values() if u.held and u.result and u.result.until]
    return min(times, default=None)


def _due_of(run: Run, unit: Unit, now: int) -> list[Effect]:
    running = run.status == "running"
    match unit.stage:
        case "new" if running:
            return [due_.Vet(unit.key)]
        case "ready" if running:
            return [due_.Act(unit.key)]
        case "begun":
            return [due_.Act(unit.key, begun=True, cancelled=not running)]
        case "approval" | "manual" | "uncertain" if running and unit.due and unit.level < MAX_LEVEL:
            return [due_.Escalate(unit.key, unit.level + 1)] if unit.due <= now else []
        case "done" if unit.result is not None and 0 < unit.result.until <= now and unit.held:
            return [due_.Expire(unit.key)] if run.status != "rolling_back" else []
    return []


def _begun(event: e.Event, now: int) -> Run:
    if not isinstance(event, e.Requested):
        raise Impossible("no_run")
    return Run(
        event.id, event.playbook, event.name, event.by, now, event.live, event.lane, list(event.books),
        policy=event.policy, trigger=event.trigger, case=event.case,
    )  # fmt: skip


class _Machine:
    """Applies one event to a run that is its own."""

    def __init__(self, run: Run, books: Books, now: int) -> None:
        self.run = run
        self.now = now
        self.walk = Walk(run, books, now)

    def take(self, event: e.Event) -> None:  # noqa: C901, PLR0912  (one line a kind of event)
        """Apply it."""
        run = self.run
        match event:
            case e.Requested():
                if run.scopes:
                    raise Impossible("run_exists")
                run.scopes.append(Scope(0, self.walk.initial(0, event.values)))
                self.walk.start()
            case e.Woken():
                self.walk.wake(event.token)
            case e.Vetted():
                self._vetted(self._unit(event.key, "new"), event)
            case e.Approved():
                self._approved(self._unit(event.key, "approval"), event)
            case e.Rejected():
                unit = self._unit(event.key, "approval")
                unit.by = event.by
                self.walk.ended(
                    unit, "failed", reason=Told("rejected", {"by": event.by, "reason": event.reason})
                )
            case e.Begun():
                self._stage(self._unit(event.key, "ready", "begun"), "begun")
            case e.Acted():
                self._acted(self._unit(event.key, "begun"), event)
            case e.Answered():
                self._answered(self._unit(event.key, "manual", "uncertain"), event)
            case e.Escalated():
                self._escalated(self._unit(event.key, "approval", "manual", "uncertain"), event)
            case e.Expired():
                self._stage(self._unit(event.key, "done"), "expired")
            case e.Aborted():
                self._over("aborted", Told("aborted", {"by": event.by, "reason": event.reason}))
            case e.Voided():
                self._over("voided", Told("voided", {"reason": event.reason}))
            case e.RollbackAsked():
                self._rollback(event)
            case e.UndoBegun():
                self._stage(self._unit(event.key, "done", "undoing"), "undoing")
            case e.Undone():
                self._undone(self._unit(event.key, "undoing"), event)

    def _unit(self, key: str, *stages: str) -> Unit:
        unit = self.run.units.get(key)
        if unit is None:
            raise Impossible("no_step")
        if unit.stage not in stages:
            raise Impossible("approved_already" if stages == ("approval",) else "not_waiting")
        return unit

    def _stage(self, unit: Unit, stage: str) -> None:
        unit.stage = stage  # type: ignore[assignment]  # a Stage
        unit.changed = self.now

    def _vetted(self, unit: Unit, event: e.Vetted) -> None:
        unit.plan = event.plan
        if event.reason is not None:
            self.walk.ended(unit, "failed", reason=event.reason)
        elif self.walk.only_planned(unit):
            self.walk.ended(unit, "planned", result=Result())
        else:
            stage = self.walk.first_stage(unit)
            self._stage(unit, stage)
            unit.due = self.walk.deadline(unit)
            if stage == "approval":
                unit.request = bind_request(self.run, unit)

    def _approved(self, unit: Unit, event: e.Approved) -> None:
        assert unit.request is not None
        who = Identity(event.by, event.roles)
        try:
            unit.request = approvals.approve(unit.request, who, event.digest, self.now)
        except ValueError as err:
            raise Impossible(str(err)) from err
        if approvals.approved(unit.request):
            self._stage(unit, "ready")

    def _acted(self, unit: Unit, event: e.Acted) -> None:
        match event.outcome:
            case "uncertain":
                self._stage(unit, "uncertain")
                unit.due = self.now + self.run.policy.manual_ns
                unit.level = 0
            case "cancelled":
                self._stage(unit, "cancelled")
            case _:
                self.walk.ended(unit, event.outcome, event.result, event.reason)

    def _answered(self, unit: Unit, event: e.Answered) -> None:
        unit.by = event.by
        if event.outcome == "again":
            if unit.stage != "uncertain":
                raise Impossible("not_waiting")
            self._stage(unit, "ready" if self.run.status == "running" else "cancelled")
            return
        said = Told("answered", {"by": event.by, "note": event.note})
        self.walk.ended(unit, event.outcome, Result(event.outputs), said)

    def _escalated(self, unit: Unit, event: e.Escalated) -> None:
        unit.level = event.level
        unit.due = self.now + self.walk.patience(unit)

    def _over(self, status: str, reason: Told) -> None:
        if self.run.status != "running":
            raise Impossible("run_over")
        self.run.status = status  # type: ignore[assignment]  # a Status
        self.run.reason = reason
        self.run.ended = self.now
        self.run.tokens.clear()
        for unit in self.run.units.values():
            if unit.stage in OPEN - {"begun", "uncertain"}:
                self._stage(unit, "cancelled")

    def _rollback(self, event: e.RollbackAsked) -> None:
        if self.run.status in {"rolling_back", "rolled_back"}:
            raise Impossible("run_over")
        if any(unit.stage in {"begun", "uncertain"} for unit in self.run.units.values()):
            raise Impossible("unit_open")
        if self.run.status == "running":
            self._over("aborted", Told("aborted", {"by": event.by, "reason": event.reason}))
        held = any(unit.held for unit in self.run.units.values())
        self.run.status = "rolling_back" if held else "rolled_back"
        self.run.reason = Told("rollback", {"by": event.by, "reason": event.reason})

    def _undone(self, unit: Unit, event: e.Undone) -> None:
        if event.reason is not None:
            self._stage(unit, "done")
            self.run.status = "rollback_failed"
            self.run.reason = event.reason
            return
        self._stage(unit, "undone")
        if not any(other.held for other in self.run.units.values()):
            self.run.status = "rolled_back"
            self.run.ended = self.now
