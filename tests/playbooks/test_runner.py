"""Killed at any moment and opened again, a run comes to the same end, and each action was done once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbooks import engine
from playbooks.runfile import Transaction
from trust.verify import verify

WHOLE = """\
  first:
    commands:
      - {type: x-citywall-note, text: one}
      - {type: x-citywall-note, text: two}
    on_completion: both
  both:
    type: parallel
    next_steps: [left, right]
    on_completion: choose
  left:
    commands: [{type: x-citywall-block, address: "192.0.2.1", minutes: "10"}]
    on_success: left-after
  left-after:
    commands: [{type: x-citywall-note, text: left}]
  right:
    commands: [{type: manual, command: look}]
    out_args: [__answer__]
    delay: 1m
  choose:
    type: switch-condition
    switch: "__answer__:value"
    cases: {bad: second, default: end}
    on_completion: loop
  second:
    commands: [{type: x-citywall-block, address: "192.0.2.2", minutes: "20"}]
  loop:
    type: while-condition
    condition: "__rounds__:value < 1"
    on_true: round
    on_completion: end
  round:
    commands: [{type: manual, command: again}]
    out_args: [__rounds__]
"""


class Killed(BaseException):
    """The process ends here."""


class Bomb:
    """Kills at the chosen moments: before and after every commit and every effect is one each."""

    def __init__(self, house: Any, moments: set[int]) -> None:
        self.house, self.moments = house, moments
        self.count = 0

    def __call__(self, _: str = "") -> None:
        self.count += 1
        if self.count in self.moments:
            raise Killed


def armed(bomb: Bomb, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the bomb before and after each event is written, and around each effect."""
    put = Transaction.put
    writing = type(bomb.house.file).writing

    def around_put(self: Any, *arguments: Any) -> Any:
        bomb()
        return put(self, *arguments)

    def around_writing(self: Any) -> Any:
        import contextlib

        @contextlib.contextmanager
        def inner() -> Any:
            with writing(self) as transaction:
                yield transaction
                bomb()  # recorded in the audit log, not committed
            bomb()  # committed

        return inner()

    monkeypatch.setattr(Transaction, "put", around_put)
    monkeypatch.setattr(type(bomb.house.file), "writing", around_writing)
    bomb.house.kernel.around = bomb


def play(house: Any, alive: Callable[[Callable[[], Any]], Any]) -> Any:
    """Everybody does their part, as often as it takes, until the run is over and its blocks have ended."""
    alive(lambda: house.desk.request(house.li, "test", {}, live=True, case="c1"))
    for _ in range(200):
        alive(house.desk.tick)
        runs = house.file.everything()
        if not runs:
            alive(lambda: house.desk.request(house.li, "test", {}, live=True, case="c1"))
            continue
        run = runs[-1].run
        if run.over and engine.wakes(run) is None:
            return run
        for unit in run.waiting:
            alive(partial(respond, house, run.id, unit))
        house.clock.pass_(2)
    raise AssertionError("the run does not come to its end")


def respond(house: Any, id_: str, unit: Any) -> None:
    """What the person does whom a unit waits for."""
    if unit.stage == "approval":
        house.desk.approve(house.wang, id_, unit.request.digest, unit.key)
    elif unit.stage == "manual":
        word = {"__answer__": "bad"} if "look" in str(unit.command) else {"__rounds__": "1"}
        house.desk.answer(house.li, id_, "done", unit.key, outputs=word)


def survivor(house: Any) -> Callable[[Callable[[], Any]], Any]:
    """Runs something; after a kill everything is opened anew, as far as the bomb lets it."""
    from citywall.errors import Refused

    def alive(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Refused as e:
            if e.code not in {"not_waiting", "approved_already"}:  # done already, before the kill
                raise
        except Killed:
            for _ in range(20):
                try:
                    house.open()
                    break
                except Killed:
                    continue

    return alive


def check(house: Any, run: Any) -> None:
    assert (run.status, house.kernel.blocked) == ("completed", {})
    keys = [key for _, key in house.kernel.done]
    assert len(keys) == len(set(keys)), "something was done twice"
    assert sorted(what for what, _ in house.kernel.done) == ["block"] * 2 + ["note"] * 3
    journal = house.file.journal(run.id)
    assert engine.replay(journal, house.file.books(run)) == run
    assert verify(house.data).ok


def test_undisturbed(house: Any) -> None:
    house.write(WHOLE)
    check(house, play(house, lambda act: act()))


def test_killed_once_at_every_moment(make_house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One kill, at a moment; a sample of all moments."""
    counting = make_house(at="count")
    counting.write(WHOLE)
    bomb = Bomb(counting, set())
    with monkeypatch.context() as patch:
        armed(bomb, patch)
        play(counting, lambda act: act())
    assert bomb.count > 60
    for moment in range(1, bomb.count, 9):
        disturbed(make_house, monkeypatch, {moment}, f"m{moment}")


@settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True)
@given(moments=st.sets(st.integers(1, 150), min_size=2, max_size=12))
def test_killed_again_and_again(make_house: Any, moments: set[int]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        disturbed(make_house, monkeypatch, moments, f"r{next(_NUMBERS)}")


_NUMBERS = itertools.count()


def disturbed(make_house: Any, monkeypatch: pytest.MonkeyPatch, moments: set[int], name: str) -> None:
    house = make_house(at=name)
    kernel = house.kernel
    kernel.blocked.clear(), kernel.done.clear(), kernel.undone.clear(), kernel.notes.clear()
    kernel.around = lambda _: None
    house.write(WHOLE)
    with monkeypatch.context() as patch:
        armed(Bomb(house, moments), patch)
        run = play(house, survivor(house))
    kernel.around = lambda _: None
    check(house, run)


def test_what_nobody_can_see_is_left_to_people(
    house: Any, blind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write("  one:\n    commands: [{type: x-citywall-note, text: one}]\n    on_completion: end\n")

    def killed(when: str) -> None:
        if when == "after":
            raise Killed

    house.kernel.around = killed
    with pytest.raises(Killed):
        house.desk.request(house.li, "test", {}, live=True, case="c1")
    house.kernel.around = lambda _: None
    house.open()
    house.desk.tick()
    (stored,) = house.file.everything()
    (unit,) = stored.run.waiting
    assert unit.stage == "uncertain"
    done = house.desk.answer(house.li, stored.run.id, "done", note="it is there").run
    assert (done.status, len(house.kernel.done)) == ("completed", 1)


def test_a_rollback_cut_off_goes_on(house: Any) -> None:
    house.write(
        "  one:\n    commands: [{type: x-citywall-block, address: 192.0.2.1}]\n    on_completion: end\n"
    )
    run = house.desk.request(house.li, "test", {}, live=True).run
    house.desk.approve(house.wang, run.id, run.waiting[0].request.digest)
    house.kernel.around = lambda _: (_ for _ in ()).throw(Killed())
    with pytest.raises(Killed):
        house.desk.rollback(house.li, run.id, "no")
    house.kernel.around = lambda _: None
    house.open()
    house.desk.tick()
    assert (house.file.get(run.id).run.status, house.kernel.blocked) == ("rolled_back", {})
    assert len(house.kernel.undone) == 1
