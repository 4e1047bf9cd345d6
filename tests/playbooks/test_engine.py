"""The engine by itself: no file, no clock, no action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbooks import effects as due
from playbooks import engine
from playbooks import events as e
from playbooks.actions.base import Plan, Result, Told
from playbooks.engine import Impossible, step, wakes
from playbooks.library import examine
from playbooks.state import Policy, Run

from .conftest import HEAD

SECOND = 10**9
NOTE = "commands: [{type: x-citywall-note, text: '%s'}]"


AGAIN = e.Requested(
    id="r", playbook="p", name="x", by="b", live=True, lane="live", books=(), policy=Policy(), values={}
)


class Play:
    """A transcript: what is due, what is told."""

    def __init__(self, tmp_path: Path, workflow: str, *, live: bool = True, more: str = "") -> None:
        path = tmp_path / "x.yaml"
        path.write_text(HEAD.format(id="x").replace("workflow:", more + "workflow:") + workflow, "utf-8")
        entry = examine(path).entry
        assert entry is not None, [f.text("en") for f in examine(path).faults]
        self.books = {entry.digest: entry.playbook}
        self.now = 1000 * SECOND
        self.due: tuple[Any, ...] = ()
        self.run: Run | None = None
        self.tell(e.Requested(
            id="r", playbook=entry.playbook.id, name="x", by="li", live=live, lane="live",
            books=(entry.digest,), policy=Policy(), values={},
        ))  # fmt: skip

    def tell(self, event: e.Event) -> Run:
        before = None if self.run is None else engine.copy(self.run)
        after, self.due = step(self.run, event, self.now, self.books)
        assert self.run == before, "a run was changed in place"
        self.run = after
        return after

    def finish(self, fail: tuple[str, ...] = ()) -> list[str]:
        """Do all that is due; returns the texts of the notes done, in order."""
        said = []
        while self.due:
            one = self.due[0]
            assert self.run is not None
            if isinstance(one, due.Vet):
                self.tell(e.Vetted(key=one.key, plan=Plan(Told("note"))))
            elif isinstance(one, due.Wake):
                self.tell(e.Woken(token=one.token))
            else:
                assert isinstance(one, due.Act)
                text = self.run.units[one.key].command["text"]
                said.append(text)
                if not one.begun:
                    self.tell(e.Begun(key=one.key))
                bad = text in fail
                self.tell(e.Acted(
                    key=one.key, outcome="failed" if bad else "done", result=None if bad else Result(),
                    reason=Told("trouble") if bad else None,
                ))  # fmt: skip
        return said


def test_an_action_is_looked_at_begun_and_done(tmp_path: Path) -> None:
    play = Play(tmp_path, f"  go:\n    {NOTE % 'a'}\n    on_completion: end\n")
    (first,) = play.due
    assert isinstance(first, due.Vet)
    play.tell(e.Vetted(key=first.key, plan=Plan(Told("note"))))
    assert play.due == (due.Act(first.key),)
    play.tell(e.Begun(key=first.key))
    assert play.due == (due.Act(first.key, begun=True),)
    done = play.tell(e.Acted(key=first.key, outcome="done", result=Result()))
    assert (done.status, play.due, wakes(done)) == ("completed", (), None)


def test_a_failure_goes_its_way_or_ends_the_run(tmp_path: Path) -> None:
    text = f"  go:\n    {NOTE % 'a'}\n    on_success: end\n    on_failure: other\n"
    text += f"  other:\n    {NOTE % 'b'}\n    on_completion: end\n"
    assert Play(tmp_path, text).finish(("a",)) == ["a", "b"]
    play = Play(tmp_path, text)
    play.finish(("a", "b"))
    assert play.run is not None
    assert (play.run.status, play.run.reason) == ("failed", Told("trouble"))


def test_an_exception_step_ends_what_failed(tmp_path: Path) -> None:
    text = f"  go:\n    {NOTE % 'a'}\n    on_completion: end\n"
    text += f"  sorry:\n    {NOTE % 'sorry'}\n    on_completion: end\n"
    play = Play(tmp_path, text, more="workflow_exception: sorry\n")
    assert play.finish(("a",)) == ["a", "sorry"]
    assert play.run is not None
    assert play.run.status == "failed"


def test_branches_of_a_parallel_step_do_not_wait_for_each_other(tmp_path: Path) -> None:
    text = (
        "  both:\n    type: parallel\n    next_steps: [one, two]\n    on_success: after\n"
        f"  one:\n    {NOTE % 'one'}\n    delay: 1h\n  two:\n    {NOTE % 'two'}\n"
        f"  after:\n    {NOTE % 'after'}\n    on_completion: end\n"
    )
    play = Play(tmp_path, text)
    assert play.finish() == ["two"]
    assert play.run is not None
    assert wakes(play.run) == play.now + 3600 * SECOND
    play.now += 3600 * SECOND
    play.due = engine.due(play.run, play.now)
    assert play.finish() == ["one", "after"]


@pytest.mark.parametrize(("severity", "said"), [("5", ["high", "end"]), ("1", ["low", "end"])])
def test_if(tmp_path: Path, severity: str, said: list[str]) -> None:
    text = (
        '  ask:\n    type: if-condition\n    condition: "__severity__:value > 3"\n    on_true: high\n'
        "    on_false: low\n    on_completion: last\n"
        f"  high:\n    {NOTE % 'high'}\n  low:\n    {NOTE % 'low'}\n"
        f"  last:\n    {NOTE % 'end'}\n    on_completion: end\n"
    )
    play = Play(tmp_path, text.replace("__severity__:value", severity))
    assert play.finish() == said


def test_a_loop_without_an_end_is_ended(tmp_path: Path) -> None:
    text = (
        "  loop:\n    type: while-condition\n    condition: \"'1' == '1'\"\n    on_true: round\n"
        f"    on_completion: end\n  round:\n    {NOTE % 'again'}\n"
    )
    play = Play(tmp_path, text, live=False)
    play.finish()
    assert play.run is not None
    assert (play.run.status, len(play.run.units)) == ("completed", 1)  # a dry run goes through once
    play = Play(tmp_path, text.replace("on_true: round", "on_true: end"))
    assert play.run is not None
    assert (play.run.status, play.run.reason and play.run.reason.key) == ("failed", "too_many_steps")


def test_a_variable_without_a_value_fails_its_step(tmp_path: Path) -> None:
    text = f"  go:\n    {NOTE % '__empty__:value'}\n    on_completion: end\n"
    play = Play(tmp_path, text.replace("'", '"'), more="  __empty__: {type: string}\n")
    assert play.run is not None
    assert (play.run.status, play.run.reason) == ("failed", Told("no_value", {"name": "__empty__"}))


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (e.Begun(key="x"), "no_step"), (e.Undone(key="x"), "no_step"),
        (AGAIN, "run_exists"),
    ],
)  # fmt: skip
def test_what_cannot_happen(tmp_path: Path, event: e.Event, code: str) -> None:
    play = Play(tmp_path, f"  go:\n    {NOTE % 'a'}\n    on_completion: end\n")
    with pytest.raises(Impossible) as told:
        play.tell(event)
    assert told.value.code == code
    with pytest.raises(Impossible):
        step(None, e.Woken(token=1), 1, {})


def test_begun_before_it_was_looked_at_cannot_happen(tmp_path: Path) -> None:
    play = Play(tmp_path, f"  go:\n    {NOTE % 'a'}\n    on_completion: end\n")
    with pytest.raises(Impossible, match="not_waiting"):
        play.tell(e.Begun(key=play.due[0].key))
