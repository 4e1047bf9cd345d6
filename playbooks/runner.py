"""The runner: does what is due in a run, and tells the engine. It decides nothing.

Before an action acts, that it will is in the journal, on disk; what came of it is there before anything
else is done. Found begun and not ended after a crash, it is looked for first: done is not done again.
"""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from citywall.errors import StoreError, StoreUnavailable
from playbooks import effects as due_
from playbooks import engine
from playbooks import events as e
from playbooks.actions import registry
from playbooks.actions.base import Action, Failed, Plan, Result, Told, Unit, Unsure, World
from playbooks.cacao import Action as ActionStep
from playbooks.effects import Effect
from playbooks.escalation import tell
from playbooks.journal import Journal
from playbooks.runs import Stored
from playbooks.state import Run
from playbooks.state import Unit as Kept
from playbooks.variables import filled


class Runner:
    """Advances the runs of `journal` in `world`."""

    def __init__(self, journal: Journal, world: World) -> None:
        self._journal = journal
        self._world = world

    def advance(self, id_: str) -> Stored:
        """Do what is due until people or a time are waited for; returns the run as it then is."""
        with self._journal.lock:
            while True:
                stored = self._journal.file.get(id_)
                assert stored is not None
                found = engine.due(stored.run, self._journal.clock())
                if not found:
                    return stored
                self._do(stored, found[0])

    def _do(self, stored: Stored, effect: Effect) -> None:
        match effect:
            case due_.Wake():
                self._journal.append(stored, e.Woken(token=effect.token))
            case due_.Vet():
                self._vet(stored, effect.key)
            case due_.Act():
                self._act(stored, effect)
            case due_.Undo():
                self._undo(stored, effect.key)
            case due_.Expire():
                self._expire(stored, effect.key)
            case due_.Escalate():
                stored = self._journal.append(stored, e.Escalated(key=effect.key, level=effect.level))
                tell(stored.run, self._journal.file.books(stored.run), effect, self._world, self._journal.log)

    def _vet(self, stored: Stored, key: str) -> None:
        action, unit = self.unit(stored.run, key)
        try:
            event = e.Vetted(key=key, plan=_planned(action, unit, self._world))
        except Failed as failed:
            event = e.Vetted(key=key, reason=failed.told)
        self._journal.append(stored, event)

    def _act(self, stored: Stored, effect: due_.Act) -> None:
        action, unit = self.unit(stored.run, effect.key)
        if not effect.begun:
            stored = self._journal.append(stored, e.Begun(key=effect.key))
        event = self._acted(action, unit, effect)
        self._journal.append(stored, event)

    def _acted(self, action: Action, unit: Unit, effect: due_.Act) -> e.Acted:
        key = effect.key
        try:
            if effect.begun and (found := self._seen(action, unit)) is not None:
                return e.Acted(key=key, outcome="done", result=found)
            if effect.cancelled:
                return e.Acted(key=key, outcome="cancelled")
            _planned(action, unit, self._world)  # what is forbidden may have changed since it was approved
            return e.Acted(key=key, outcome="done", result=_done(action, unit, self._world))
        except Unsure:
            return e.Acted(key=key, outcome="uncertain")
        except Failed as failed:
            return e.Acted(key=key, outcome="failed", reason=failed.told)

    def _seen(self, action: Action, unit: Unit) -> Result | None:
        """What an action that was begun before did; None where it may be done. Raises Unsure, Failed."""
        try:
            return action.seen(unit, self._world)
        except Unsure:
            if action.repeatable:
                return None
            raise

    def _undo(self, stored: Stored, key: str) -> None:
        kept = stored.run.units[key]
        action, unit = self.unit(stored.run, key)
        stored = self._journal.append(stored, e.UndoBegun(key=key))
        reason: Told | None = None
        try:
            if not self._shared(stored, kept):
                action.undo(unit, kept.result or Result(), self._world)
        except Failed as failed:
            reason = failed.told
        self._journal.append(stored, e.Undone(key=key, reason=reason))

    def _expire(self, stored: Stored, key: str) -> None:
        """Its end was set when it was done, and comes without us; we see to it all the same."""
        kept = stored.run.units[key]
        action, unit = self.unit(stored.run, key)
        with contextlib.suppress(Failed):  # its end has come by itself, whether it can be looked at or not
            if not self._shared(stored, kept):
                action.undo(unit, kept.result or Result(), self._world)
        self._journal.append(stored, e.Expired(key=key))

    def _shared(self, stored: Stored, kept: Kept) -> bool:
        """Whether another unit still holds the same effect: then it stays until the last lets go."""
        now = self._journal.clock()
        runs = [stored.run, *(s.run for s in self._journal.file.holding() if s.run.id != stored.run.id)]
        return any(
            (other.action, other.result.undo) == (kept.action, kept.result.undo if kept.result else None)
            and other.key != kept.key and (not other.result.until or other.result.until > now)
            for run in runs for other in run.units.values()
            if other.held and other.result is not None
        )  # fmt: skip

    def unit(self, run: Run, key: str) -> tuple[Action, Unit]:
        """A unit as its action takes it."""
        kept = run.units[key]
        action = registry.named(kept.action)
        book = self._journal.file.books(run)[run.books[run.scopes[kept.scope].book]]
        step = book.workflow[kept.step]
        assert isinstance(step, ActionStep)
        values = run.scopes[kept.scope].values

        def party(id_: str, known: dict[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = msgspec.to_builtins(known[id_])
            info = book.authentication_info_definitions.get(found.get("authentication_info") or "", {})
            if isinstance(info, dict) and isinstance(name := info.get("kms_key_identifier"), str):
                found["secret"] = name
            return {n: filled(v, values) for n, v in found.items()}

        return action, Unit(
            key, run.id, kept.step, self._journal.clock(),
            command=msgspec.convert(kept.command, action.command),
            agent=party(step.agent, book.agent_definitions),
            targets=tuple(party(target, book.target_definitions) for target in step.targets),
            timeout_s=step.timeout / 1000, lane=run.lane, by=run.requester, case=run.case,
            trigger=run.trigger,
        )  # fmt: skip


def _planned(action: Action, unit: Unit, world: World) -> Plan:
    try:
        return action.plan(unit, world)
    except StoreUnavailable:
        raise
    except (StoreError, OSError) as err:
        raise Failed("trouble", reason=str(err)[:300]) from err


def _done(action: Action, unit: Unit, world: World) -> Result:
    try:
        return action.act(unit, world)
    except StoreUnavailable:
        raise  # the unit stays begun: it is looked for when the store is there again
    except (StoreError, OSError) as err:
        raise Failed("trouble", reason=str(err)[:300]) from err
