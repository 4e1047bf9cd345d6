from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from citywall.errors import Refused, SettingsError
from citywall.permissions import LOCAL, Identity
from playbooks.triggers import Triggers, run_id

BLOCK = """\
  block:
    name: {en: Block, zh: 封禁}
    commands: [{type: x-citywall-block, address: "__source_ip__:value", minutes: "10"}]
    on_completion: end
"""


def alert(number: int, rule: str = "scan", lane: str = "live") -> dict[str, Any]:
    return {"event": {"id": f"a{number}"}, "rule": {"id": rule}, "citywall": {"lane": lane},
            "source": {"ip": "192.0.2.7"}}  # fmt: skip


def ready(house: Any, live: bool = False) -> Triggers:
    house.write(BLOCK)
    service = msgspec.structs.replace(
        house.settings.service, triggers={"test": "rule.id:scan"}, triggers_live=live
    )
    playbooks = msgspec.structs.replace(house.settings.playbooks, folder=str(house.books))
    house.settings = msgspec.structs.replace(house.settings, service=service, playbooks=playbooks)
    house.desk._world = replace(house.desk._world, settings=house.settings)
    for i in range(4):
        house.alerts[f"a{i}"] = alert(i)
    return Triggers(house.data, house.settings)


def test_each_alert_begins_a_playbook_once_whatever_is_said_twice(house: Any):
    triggers = ready(house)
    said = [alert(0), alert(1), alert(2, rule="flood"), alert(3, lane="drill")]
    triggers.acknowledged(said)
    assert triggers.waiting() == [("a0", "test"), ("a1", "test")]
    assert triggers.begin(house.desk) == [run_id("a0", "test"), run_id("a1", "test")]
    Triggers(house.data, house.settings).acknowledged(said)  # after a crash they are said again
    assert triggers.begin(house.desk) == []
    runs = [stored.run for stored in house.file.everything(10)]
    assert sorted((run.trigger, run.requester, run.live) for run in runs) == [
        ("a0", "citywall", False), ("a1", "citywall", False),
    ]  # fmt: skip
    assert house.kernel.done == []


def test_killed_between_the_run_and_its_note_it_does_not_begin_again(
    house: Any, monkeypatch: pytest.MonkeyPatch
):
    triggers = ready(house)
    triggers.acknowledged([alert(0)])
    with monkeypatch.context() as patch:
        patch.setattr(triggers, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            triggers.begin(house.desk)
    assert triggers.waiting() == [("a0", "test")]
    assert triggers.begin(house.desk) == [run_id("a0", "test")]
    assert len(house.file.everything(10)) == 1


def test_what_contains_waits_for_two_people(house: Any):
    triggers = ready(house, live=True)
    triggers.acknowledged([alert(0)])
    [id_] = triggers.begin(house.desk)
    [unit] = house.file.get(id_).run.waiting
    assert (unit.stage, unit.request.needed) == ("approval", 2)
    house.desk.approve(house.wang, id_, unit.request.digest)
    assert house.kernel.blocked == {}
    house.desk.approve(house.zhao, id_, unit.request.digest)
    assert list(house.kernel.blocked) == ["192.0.2.7/32"] or len(house.kernel.blocked) == 1


def test_one_that_cannot_be_begun_is_noted_and_holds_nobody_up(house: Any, monkeypatch: pytest.MonkeyPatch):
    triggers = ready(house)
    triggers.acknowledged([alert(7), alert(0)])  # the store has forgotten a7
    monkeypatch.setattr("playbooks.triggers._FOUND_NS", 0)
    assert triggers.begin(house.desk) == [run_id("a0", "test")]
    assert triggers.waiting() == []


def test_an_alert_that_the_store_does_not_show_yet_is_waited_for(house: Any):
    triggers = ready(house)
    shown = house.alerts.pop("a0")
    triggers.acknowledged([alert(0)])
    assert triggers.begin(house.desk) == []
    assert triggers.waiting() == [("a0", "test")]
    house.alerts["a0"] = shown
    assert triggers.begin(house.desk) == [run_id("a0", "test")]


def test_rules_are_checked_and_nobody_may_be_called_as_the_service(house: Any):
    ready(house)
    for rules in ({"none": "rule.id:scan"}, {"test": "rule.id:("}):
        service = msgspec.structs.replace(house.settings.service, triggers=rules)
        with pytest.raises(SettingsError, match=r"service\.triggers"):
            Triggers(house.data, msgspec.structs.replace(house.settings, service=service))
    root = house.accounts.login("root", "Correct-Horse-9", "test")
    with pytest.raises(Refused):
        house.accounts.add(root, "citywall", ["analyst"])
    with pytest.raises(Refused):
        house.desk.request(Identity("citywall", (LOCAL,)), "test", {})
