"""What people do with runs: ask, approve, refuse, answer, abort, roll back; and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from citywall.errors import FaultyInput, InputError, Refused, UsageError
from playbooks.actions.base import Told

BLOCK = """\
  note:
    commands: [{type: x-citywall-note, text: "seen __source_ip__:value"}]
    on_completion: block
  block:
    name: {en: Block, zh: 封禁}
    commands: [{type: x-citywall-block, address: "__source_ip__:value", minutes: "10"}]
    on_success: after
  after:
    commands: [{type: x-citywall-note, text: blocked}]
    on_completion: end
"""
MANUAL = """\
  ask:
    commands: [{type: manual, command: "call __source_ip__:value"}]
    timeout: 30m
    out_args: [__answer__]
    on_success: check
    on_failure: sorry
  check:
    type: if-condition
    condition: "__answer__:value == 'yes'"
    on_true: good
    on_completion: end
  good:
    commands: [{type: x-citywall-note, text: "answer __answer__:value"}]
  sorry:
    commands: [{type: x-citywall-note, text: sorry}]
    on_completion: end
"""


def run(house: Any, **more: Any) -> Any:
    return house.desk.request(house.li, "test", {}, live=True, case="c1", **more).run


def test_a_dry_run_touches_nothing(house: Any) -> None:
    house.write(BLOCK)
    done = house.desk.request(house.li, "test", {}, case="c1").run
    assert done.status == "completed"
    assert [unit.stage for unit in done.units.values()] == ["planned"] * 3
    assert (
        "add element inet citywall v4_32 { 192.0.2.7 timeout 600s }" in [*done.units.values()][1].plan.script
    )
    assert house.kernel.done == []


def test_a_block_waits_for_somebody_else_and_ends_by_itself(house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    (unit,) = waiting.waiting
    assert (waiting.status, unit.stage, house.kernel.blocked) == ("running", "approval", {})
    with pytest.raises(Refused, match="role"):
        house.desk.approve(house.li, waiting.id, unit.request.digest)
    with pytest.raises(Refused, match="object_changed"):
        house.desk.approve(house.wang, waiting.id, "sm3:something else")
    done = house.desk.approve(house.wang, waiting.id, unit.request.digest).run
    assert done.status == "completed"
    assert list(house.kernel.blocked) == ["192.0.2.7"]
    house.clock.pass_(11)
    assert house.desk.tick() == [done.id]
    assert house.kernel.blocked == {}
    assert [unit.stage for unit in house.file.get(done.id).run.units.values()] == ["done", "expired", "done"]
    assert house.desk.tick() == []
    actions = house.actions()
    assert ("playbooks.approve", "refused") in actions
    for action in ("request", "begun", "acted", "approve", "expired"):
        assert (f"playbooks.{action}", "done") in actions


def test_who_asks_does_not_approve(house: Any) -> None:
    house.write(BLOCK)
    waiting = house.desk.request(house.wang, "test", {}, live=True, case="c1").run
    (unit,) = waiting.waiting
    with pytest.raises(Refused, match="own_request"):
        house.desk.approve(house.wang, waiting.id, unit.request.digest)
    assert house.kernel.blocked == {}


def test_of_two_approvers_at_once_one_wins_and_the_other_is_told(house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    (unit,) = waiting.waiting
    gate, told = threading.Barrier(2), []

    def approve(who: Any) -> None:
        gate.wait()
        try:
            house.desk.approve(who, waiting.id, unit.request.digest)
            told.append("approved")
        except Refused as e:
            told.append(e.code)

    threads = [threading.Thread(target=approve, args=(who,)) for who in (house.wang, house.zhao)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["approved", "approved_already"]
    assert [what for what, _ in house.kernel.done].count("block") == 1
    assert house.actions().count(("playbooks.approve", "done")) == 1


def test_two_who_must_agree_are_two_people(make_house: Any) -> None:
    house = make_house("playbooks.approvals=2")
    house.write(BLOCK)
    waiting = run(house)
    (unit,) = waiting.waiting
    house.desk.approve(house.wang, waiting.id, unit.request.digest)
    with pytest.raises(Refused, match="approved_before"):
        house.desk.approve(house.wang, waiting.id, unit.request.digest)
    assert house.kernel.blocked == {}
    assert house.desk.approve(house.zhao, waiting.id, unit.request.digest).run.status == "completed"


def test_a_playbook_changed_between_request_and_approval_voids_it(house: Any) -> None:
    path = house.write(BLOCK)
    waiting = run(house)
    (unit,) = waiting.waiting
    path.write_text(path.read_text("utf-8").replace('minutes: "10"', 'minutes: "600"'), "utf-8")
    with pytest.raises(Refused, match="object_changed"):
        house.desk.approve(house.wang, waiting.id, unit.request.digest)
    voided = house.file.get(waiting.id).run
    assert (voided.status, house.kernel.blocked) == ("voided", {})
    path.write_text(path.read_text("utf-8").replace('minutes: "600"', 'minutes: "10"'), "utf-8")
    with pytest.raises(Refused, match="not_waiting"):
        house.desk.approve(house.wang, waiting.id, unit.request.digest)


@pytest.mark.parametrize(
    "address", ["198.51.100.9", "2001:db8:aa::1", "127.0.0.1", "fe80::1", "198.51.0.0/16"]
)
def test_protected_prefixes_are_never_blocked(house: Any, address: str) -> None:
    house.write(BLOCK)
    refused = house.desk.request(house.li, "test", {"source_ip": address}, live=True, case="c1").run
    assert (refused.status, refused.reason.key) == ("failed", "protected")
    assert house.kernel.blocked == {}
    assert ("playbooks.vetted", "refused") in house.actions()


def test_what_became_protected_after_its_approval_is_not_blocked(house: Any, make_house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    (unit,) = waiting.waiting
    from citywall.settings import load

    house.settings = load(environment={}, assignments=['playbooks.protected=["192.0.2.0/24"]'])
    house.open()
    after = house.desk.approve(house.wang, waiting.id, unit.request.digest).run
    assert (after.status, after.reason.key, house.kernel.blocked) == ("failed", "protected", {})


def test_no_is_an_answer(house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    after = house.desk.reject(house.wang, waiting.id, "a camera of ours").run
    assert (after.status, after.reason) == (
        "failed",
        Told("rejected", {"by": "wang", "reason": "a camera of ours"}),
    )
    assert house.kernel.blocked == {}


def test_a_rollback_takes_back_what_was_done(house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    done = house.desk.approve(house.wang, waiting.id, waiting.waiting[0].request.digest).run
    back = house.desk.rollback(house.li, done.id, "was our scanner").run
    assert (back.status, house.kernel.blocked) == ("rolled_back", {})
    with pytest.raises(Refused, match="run_over"):
        house.desk.rollback(house.li, done.id, "again")
    house.clock.pass_(30)
    assert house.desk.tick() == []


def test_a_block_that_two_runs_hold_stays_until_both_let_go(house: Any) -> None:
    house.write(BLOCK)
    runs = [run(house), run(house)]
    for one in runs:
        house.desk.approve(house.wang, one.id, one.waiting[0].request.digest)
    house.desk.rollback(house.li, runs[0].id, "no longer")
    assert list(house.kernel.blocked) == ["192.0.2.7"]
    house.desk.rollback(house.li, runs[1].id, "no longer")
    assert house.kernel.blocked == {}


def test_people_answer_what_is_asked_of_them(house: Any) -> None:
    house.write(MANUAL)
    waiting = run(house)
    with pytest.raises(UsageError, match="asked for"):
        house.desk.answer(house.li, waiting.id, "done", outputs={"nothing": "x"})
    with pytest.raises(Refused, match="not_waiting"):
        house.desk.approve(house.wang, waiting.id, "sm3:0")
    done = house.desk.answer(house.li, waiting.id, "done", note="called", outputs={"answer": "yes"}).run
    assert done.status == "completed"
    assert list(house.kernel.notes.values()) == ["answer yes"]
    waiting = run(house)
    done = house.desk.answer(house.li, waiting.id, "failed", note="nobody there").run
    assert (done.status, list(house.kernel.notes.values())) == ("completed", ["answer yes", "sorry"])


def test_what_waits_too_long_is_escalated_and_goes_on_waiting(house: Any) -> None:
    house.write(MANUAL)
    waiting = run(house)
    for level in (1, 2, 3):
        house.clock.pass_(31)
        house.desk.tick()
        (unit,) = house.file.get(waiting.id).run.waiting
        assert (unit.stage, unit.level) == ("manual", level)
    house.clock.pass_(310)
    house.desk.tick()
    assert house.actions().count(("playbooks.escalated", "done")) == 3
    assert house.desk.answer(house.li, waiting.id, "done", outputs={"answer": "no"}).run.status == "completed"


def test_a_drill_blocks_nobody(house: Any) -> None:
    house.write(BLOCK)
    house.alerts["a1"] = {"event": {"id": "a1"}, "citywall": {"lane": "drill"}, "source": {"ip": "192.0.2.8"}}
    done = run(house, alert="a1")
    assert (done.lane, done.status, house.kernel.blocked) == ("drill", "completed", {})
    assert [unit.stage for unit in done.units.values()] == ["done", "planned", "done"]


def test_an_alert_fills_in_what_it_knows(house: Any) -> None:
    house.write(BLOCK)
    house.alerts["a1"] = {"event": {"id": "a1", "severity": 5}, "source": {"ip": "192.0.2.8"}}
    done = house.desk.request(house.li, "test", {}, alert="a1", case="c").run
    assert next(iter(done.units.values())).command["text"] == "seen 192.0.2.8"
    assert done.scopes[0].values["__severity__"] == "5"
    with pytest.raises(UsageError, match="no alert a2"):
        house.desk.request(house.li, "test", {}, alert="a2")


def test_refusals(house: Any) -> None:
    house.write(BLOCK)
    with pytest.raises(Refused, match="role"):
        house.desk.request(house.sun, "test", {})
    with pytest.raises(InputError, match="no such playbook"):
        house.desk.request(house.li, "other", {})
    with pytest.raises(UsageError, match="given from outside"):
        house.desk.request(house.li, "test", {"answer": "x"})
    with pytest.raises(UsageError, match="no run"):
        house.desk.abort(house.li, "run-0", "x")
    house.write("  go:\n    commands: [{type: bash, command: ls}]\n    on_completion: end\n", "shell")
    with pytest.raises(Refused, match="foreign_command"):
        house.desk.request(house.li, "shell", {})
    house.write("  go:\n    on_completion: nowhere\n", "broken")
    with pytest.raises(FaultyInput):
        house.desk.request(house.li, "broken", {})


def test_an_aborted_run_does_nothing_more(house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    after = house.desk.abort(house.li, waiting.id, "false alarm").run
    assert (after.status, after.waiting) == ("aborted", [])
    with pytest.raises(Refused, match="not_waiting"):
        house.desk.approve(house.wang, waiting.id, waiting.waiting[0].request.digest)


def test_a_run_is_found_again(house: Any) -> None:
    house.write(BLOCK)
    waiting = run(house)
    house.open()
    assert house.file.get(waiting.id).run == house.desk.resume(house.li, waiting.id).run
