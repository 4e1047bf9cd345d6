from __future__ import annotations

import errno
from typing import Any

import pytest

from playbooks.actions.base import Failed
from playbooks.actions.block import Block, Command
from playbooks.nftables import table


def plan(unit: Any, world: Any, address: str, minutes: str = "", *settings: str) -> Any:
    return Block().plan(unit(Command(address=address, minutes=minutes)), world(*settings))


def test_the_plan_says_it_all(unit: Any, world: Any) -> None:
    told = plan(unit, world, " 192.0.2.7 ", "10")
    assert told.does.values == {"prefix": "192.0.2.7/32", "minutes": "10"}
    assert told.script == table.script(table.ipaddress.ip_network("192.0.2.7"), 600)
    assert plan(unit, world, "192.0.2.7", "", "playbooks.block_minutes=5").does.values["minutes"] == "5"


@pytest.mark.parametrize(
    ("address", "minutes", "key"),
    [
        ("nobody", "", "not_address"), ("192.0.2.7/24", "", "not_address"), ("192.0.2.7", "0", "minutes"),
        ("192.0.2.7", "1441", "minutes"), ("192.0.2.7", "ten", "minutes"), ("11.0.0.0/8", "", "too_wide"),
        ("2002::/16", "", "too_wide"), ("0.0.0.0/0", "", "protected"), ("::/0", "", "protected"),
        ("10.1.2.3", "", "protected"), ("ff02::1", "", "protected"),
    ],
)  # fmt: skip
def test_what_is_not_blocked(unit: Any, world: Any, address: str, minutes: str, key: str) -> None:
    with pytest.raises(Failed, match=key) as told:
        plan(unit, world, address, minutes, 'playbooks.protected=["10.0.0.0/8"]')
    assert told.value.refused == (key in {"protected", "too_wide"})


def test_the_kernels_refusal_is_told(unit: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(table, "block", refuse)
    monkeypatch.setattr(table, "unblock", refuse)
    monkeypatch.setattr(table, "remaining_ms", refuse)
    one = unit(Command(address="192.0.2.7"))
    for act in (Block().act, Block().seen):
        with pytest.raises(Failed, match="no_right"):
            act(one, world())


def test_in_the_kernel(space: Any) -> None:
    code = """
        from pathlib import Path
        from citywall.settings import load
        from playbooks.actions.base import Unit, World
        from playbooks.actions.block import Block, Command
        world = World(Path("."), load(environment={}))
        one = Unit("k", "r", "s", 10**18, command=Command(address="192.0.2.77", minutes="5"))
        print(Block().seen(one, world))
        done = Block().act(one, world)
        print(done.until - one.now, done.undo, 0 < Block().seen(one, world).until - one.now <= 300 * 10**9)
        Block().undo(one, done, world); Block().undo(one, done, world)
        print(Block().seen(one, world))
    """
    assert space.run(code).splitlines() == ["None", "300000000000 {'prefix': '192.0.2.77/32'} True", "None"]
