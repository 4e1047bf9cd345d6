from __future__ import annotations

from typing import Any

import pytest

from playbooks.journal import UNDONE
from playbooks.runfile import Transaction

ASK = "  ask:\n    commands: [{type: manual, command: x}]\n    on_completion: end\n"


def test_a_record_whose_event_is_not_there_is_said_to_be_undone(house: Any, monkeypatch: Any) -> None:
    house.write(ASK)
    run = house.desk.request(house.li, "test", {}, live=True).run

    def cut(self: Any, _: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "audited", property(Transaction.audited.fget, cut))
        with pytest.raises(KeyboardInterrupt):
            house.desk.abort(house.li, run.id, "x")
    assert house.file.get(run.id).run.status == "running"
    house.open()
    house.open()
    assert [what for what in house.actions() if what[0] == UNDONE] == [(UNDONE, "failed")]
    assert house.desk.abort(house.li, run.id, "x").run.status == "aborted"
