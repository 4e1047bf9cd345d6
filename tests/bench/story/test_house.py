from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.story.house import PEOPLE, House, Said, wait
from trust.accountfile import AccountFile


def test_people_live_in_it_and_commands_know_its_settings(tmp_path: Path):
    house = House(tmp_path, {"register": "example", "playbooks.folder": "x"})
    assert {*PEOPLE, "root1"} == {kept.account.name for kept in AccountFile(house.data).everyone()}
    assert house.environment["CITYWALL_PLAYBOOKS__FOLDER"] == "x"
    assert house.environment["CITYWALL_DATA"] == str(house.data)
    assert house.command("alerts") == [sys.executable, "-m", "console", "alerts"]
    assert house.read("audit", "verify")[0]["ok"]
    with pytest.raises(Said, match="there is no run none") as refused:
        house.act("ann", "playbooks", "abort", "none", "--reason", "x")
    assert refused.value.code != 0
    with pytest.raises(BenchError, match="does not run"):
        house.end()


def test_what_never_comes_is_told():
    with pytest.raises(BenchError, match="because"):
        wait(lambda: 0, lambda: "because", limit_s=0.0)
    assert wait(lambda: 7) == 7
