"""How a run goes from step to step: tokens, branches, joins, variables."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from citywall.approvals import Request
from citywall.permissions import Target
from playbooks import cacao, condition, variables
from playbooks.actions import registry
from playbooks.actions.base import Result, Told
from playbooks.cacao import Playbook
from playbooks.condition import Unfit
from playbooks.state import MAX_VISITS, OPEN, Run, Scope, Stage, Token, Unit, Visit, asked

_MS = 1_000_000
_DEEPEST = 8  # playbooks within playbooks


def bind_request(run: Run, unit: Unit) -> Request:
    """The request for a unit's approval."""
    target = Target("playbook_run", run.id)
    return Request(unit.key, target, asked(run, unit), run.requester, needed=run.policy.approvals)


class Walk:
    """Moves the tokens of one run. `books`: playbooks by digest."""

    def __init__(self, run: Run, books: Mapping[str, Playbook], now: int) -> None:
        self.run = run
        self.now = now
        self._books = books
        # Steps to be entered: gone through one after the other, so that a loop does not nest.
        self._pending: deque[tuple[Token, str]] = deque()
        self._going = False

    def book(self, scope: int) -> Playbook:
        """The playbook of a scope."""
        return self._books[self.run.books[self.run.scopes[scope].book]]

    def initial(self, book: int, given: Mapping[str, str]) -> dict[str, str | None]:
        """The variables of a playbook when it begins."""
        declared = self._books[self.run.books[book]].playbook_variables
        return {name: given.get(name, v.value) if v.external else v.value for name, v in declared.items()}

    def start(self) -> None:
        """Begin at the first step."""
        self._enter(self._token(0, 0), self.book(0).workflow_start)
        self._go()

    def wake(self, id_: int) -> None:
        """Go on after a delay."""
        token = self.run.tokens.get(id_)
        if token is not None and token.stage == "delayed":
            self._execute(token)
            self._go()

    def ended(
        self, unit: Unit, stage: Stage, result: Result | None = None, reason: Told | None = None
    ) -> None:
        """A unit has come to its end: on to the next command, or out of the step."""
        unit.stage, unit.result, unit.reason, unit.changed = stage, result, reason, self.now
        if stage == "done":
            self.run.done += 1
            unit.order = self.run.done
        token = self.run.tokens.get(unit.token)
        if token is None or self.run.status != "running":
            return
        step = self.book(token.scope).workflow[token.step]
        assert isinstance(step, cacao.Action)
        if stage == "failed":
            self._complete(token, ok=False)
        else:
            for name in step.out_args:
                if result is not None and (value := result.outputs.get(name.strip("_"))) is not None:
                    self._set(token.scope, name, value)
            token.at += 1
            self._command(token, step)
        self._go()

    def only_planned(self, unit: Unit) -> bool:
        """Whether nothing is to be done but to say what would be.

        A containment step acts in the live lane only: a drill never blocks anybody.
        """
        return not self.run.live or (registry.named(unit.action).containment and self.run.lane != "live")

    def first_stage(self, unit: Unit) -> Stage:
        """What a unit waits for once it was looked at."""
        action = registry.named(unit.action)
        if action.containment:
            return "approval"
        return "manual" if action.waits else "ready"

    def patience(self, unit: Unit) -> int:
        """How long people may take for a unit (ns)."""
        step = self.book(unit.scope).workflow[unit.step]
        policy = self.run.policy
        usual = policy.approval_ns if unit.stage == "approval" else policy.manual_ns
        return step.timeout * _MS or usual

    def deadline(self, unit: Unit) -> int:
        """When a unit that has just come to its stage is escalated (ns); 0 for never."""
        return self.now + self.patience(unit) if unit.stage in {"approval", "manual"} else 0

    def _token(self, scope: int, parent: int) -> Token:
        self.run.last_token += 1
        token = Token(self.run.last_token, "", scope, parent)
        self.run.tokens[token.id] = token
        return token

    def _enter(self, token: Token, step_id: str) -> None:
        """Have a token go to a step, when what goes on now is done."""
        self._pending.append((token, step_id))

    def _go(self) -> None:
        if self._going:
            return
        self._going = True
        while self._pending:
            token, step_id = self._pending.popleft()
            if self.run.status == "running" and token.id in self.run.tokens:
                self._arrive(token, step_id)
        self._going = False

    def _arrive(self, token: Token, step_id: str) -> None:
        if len(self.run.visits) >= MAX_VISITS:
            self._finish("failed", Told("too_many_steps", {"most": str(MAX_VISITS)}))
            return
        step = self.book(token.scope).workflow[step_id]
        token.step, token.visit, token.failed = step_id, len(self.run.visits), False
        self.run.visits.append(Visit(step_id, token.scope, self.now))
        for name, variable in step.step_variables.items():
            self._set(token.scope, name, variable.value, own=True)
        if step.delay and self.run.live:
            token.stage, token.at = "delayed", self.now + step.delay * _MS
        else:
            self._execute(token)

    def _execute(self, token: Token) -> None:
        step = self.book(token.scope).workflow[token.step]
        token.stage, token.at = "acting", 0
        try:
            match step:
                case cacao.End():
                    self._left(token, "done")
                    self._branch_over(token, ok=True)
                case cacao.Action():
                    self._command(token, step)
                case cacao.PlaybookAction():
                    self._call(token, step)
                case cacao.Parallel():
                    self._branch(token, *step.next_steps)
                case cacao.IfCondition():
                    self._branch(token, step.on_true if self._holds(token, step.condition) else step.on_false)
                case cacao.WhileCondition():
                    self._again(token, step, first=True)
                case cacao.SwitchCondition():
                    said = variables.filled(step.switch, self._values(token.scope))
                    self._branch(token, step.cases.get(said) or step.cases.get("default"))
                case _:
                    self._complete(token, ok=True)
        except Unfit as e:
            self.run.reason = Told(e.key, e.values)
            self._complete(token, ok=False)

    def _command(self, token: Token, step: cacao.Action) -> None:
        """The unit of the token's present command; out of the step after the last."""
        if self.run.status != "running":
            return
        if token.at >= len(step.commands):
            self._complete(token, ok=True)
            return
        command = step.commands[token.at]
        action = registry.action_of(command)
        key = self._key(token)
        unit = Unit(
            key, token.id, token.scope, token.step, token.at, "new", "" if action is None else action.name,
            changed=self.now,
        )  # fmt: skip
        self.run.units[key] = unit
        if action is None:
            self.ended(unit, "failed", reason=Told("foreign"))
            return
        try:
            unit.command = variables.filled(msgspec.to_builtins(command), self._values(token.scope))
            msgspec.convert(unit.command, action.command)
        except Unfit as e:
            self.ended(unit, "failed", reason=Told(e.key, e.values))
        except msgspec.ValidationError as e:
            self.ended(unit, "failed", reason=Told("command_form", {"reason": str(e)}))

    def _key(self, token: Token) -> str:
        """Names one command of one visit for good."""
        said = f"{self.run.id}/{token.visit}/{token.at}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def _branch(self, token: Token, *firsts: str | None) -> None:
        wanted = [first for first in firsts if first is not None]
        if not wanted:
            self._complete(token, ok=True)
            return
        token.stage = "joining"
        children = [self._token(token.scope, token.id) for _ in wanted]
        for child, first in zip(children, wanted, strict=True):
            self._enter(child, first)

    def _again(self, token: Token, step: cacao.WhileCondition, *, first: bool = False) -> None:
        # A dry run changes nothing that a loop could wait for: once through is enough.
        if (first or self.run.live) and self._holds(token, step.condition):
            self._branch(token, step.on_true)
        else:
            self._complete(token, ok=True)

    def _call(self, token: Token, step: cacao.PlaybookAction) -> None:
        book = next(
            (at for at, digest in enumerate(self.run.books) if self._books[digest].id == step.playbook_id),
            None,
        )
        if book is None or self._depth(token) >= _DEEPEST:
            self.run.reason = Told("no_such_playbook", {"id": step.playbook_id})
            self._complete(token, ok=False)
            return
        values = self._values(token.scope)
        given = {name: value for name in step.in_args if (value := values.get(name)) is not None}
        self.run.scopes.append(Scope(book, self.initial(book, given)))
        token.stage = "joining"
        scope = len(self.run.scopes) - 1
        self._enter(self._token(scope, token.id), self.book(scope).workflow_start)

    def _depth(self, token: Token) -> int:
        scopes = set()
        at: Token | None = token
        while at is not None:
            scopes.add(at.scope)
            at = self.run.tokens.get(at.parent)
        return len(scopes)

    def _complete(self, token: Token, *, ok: bool) -> None:
        """Leave a step."""
        if self.run.status != "running" or token.id not in self.run.tokens:
            return
        step = self.book(token.scope).workflow[token.step]
        self._left(token, "done" if ok else "failed")
        following = step.on_completion or step.on_success if ok else step.on_failure
        if following is not None:
            self._enter(token, following)
        else:
            self._branch_over(token, ok=ok)

    def _left(self, token: Token, outcome: str) -> None:
        visit = self.run.visits[token.visit]
        visit.ended, visit.outcome = self.now, outcome

    def _branch_over(self, token: Token, *, ok: bool) -> None:
        self.run.tokens.pop(token.id, None)
        parent = self.run.tokens.get(token.parent)
        if parent is None:
            self._run_over(ok=ok)
            return
        parent.failed |= not ok
        if any(other.parent == parent.id for other in self.run.tokens.values()):
            return
        step = self.book(parent.scope).workflow[parent.step]
        if isinstance(step, cacao.PlaybookAction):
            inner = self.run.scopes[token.scope].values
            for name in step.out_args:
                self._set(parent.scope, name, inner.get(name))
        if isinstance(step, cacao.WhileCondition) and not parent.failed:
            try:
                self._again(parent, step)
            except Unfit as e:
                self.run.reason = Told(e.key, e.values)
                self._complete(parent, ok=False)
            return
        self._complete(parent, ok=not parent.failed)

    def _run_over(self, *, ok: bool) -> None:
        exception = self.book(0).workflow_exception
        if not ok and exception is not None and not self.run.excepted:
            self.run.excepted = True
            self._enter(self._token(0, 0), exception)
            return
        failed = not ok or self.run.excepted
        self._finish("failed" if failed else "completed", self._why() if failed else None)

    def _why(self) -> Told | None:
        reasons = [u.reason for u in self.run.units.values() if u.stage == "failed"]
        return reasons[-1] if reasons else self.run.reason

    def _finish(self, status: str, reason: Told | None) -> None:
        self.run.status = status  # type: ignore[assignment]  # a Status
        self.run.reason, self.run.ended = reason, self.now
        self.run.tokens.clear()
        for unit in self.run.units.values():
            if unit.stage in OPEN - {"begun", "uncertain"}:
                unit.stage, unit.changed = "cancelled", self.now

    def _holds(self, token: Token, text: str) -> bool:
        return condition.parse(text).holds(self._values(token.scope))

    def _values(self, scope: int) -> dict[str, str | None]:
        return self.run.scopes[scope].values

    def _set(self, scope: int, name: str, value: str | None, *, own: bool = False) -> None:
        """Give a variable a value; constants keep theirs, and what is undeclared is not made."""
        declared: Any = self.book(scope).playbook_variables.get(name)
        if own or (declared is not None and not declared.constant):
            self.run.scopes[scope].values[name] = value
