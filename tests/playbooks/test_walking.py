"""Playbooks that call others; the ways through one are tested in test_engine.py."""

from __future__ import annotations

from typing import Any

OUTER = """\
  call:
    type: playbook-action
    playbook_id: inner
    in_args: [__source_ip__]
    out_args: [__answer__]
    on_success: after
  after:
    commands: [{type: x-citywall-note, text: "got __answer__:value"}]
    on_completion: end
"""
INNER = """\
  ask:
    commands: [{type: manual, command: "about __source_ip__:value"}]
    out_args: [__answer__]
    on_completion: end
"""


def test_a_playbook_within_a_playbook(house: Any) -> None:
    house.write(OUTER)
    house.write(INNER, "inner")
    run = house.desk.request(house.li, "test", {"source_ip": "192.0.2.99"}, live=True, case="c").run
    assert len(run.books) == 2
    (unit,) = run.waiting
    assert unit.command["command"] == "about 192.0.2.99"
    done = house.desk.answer(house.li, run.id, "done", outputs={"answer": "yes"}).run
    assert (done.status, list(house.kernel.notes.values())) == ("completed", ["got yes"])
    assert done.scopes[0].values["__answer__"] == "yes"


def test_a_called_playbook_that_fails_fails_the_step(house: Any) -> None:
    house.write(OUTER)
    house.write(INNER, "inner")
    run = house.desk.request(house.li, "test", {}, live=True, case="c").run
    assert house.desk.answer(house.li, run.id, "failed").run.status == "failed"
    assert house.kernel.notes == {}
