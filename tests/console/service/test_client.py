"""Commands as they are typed, while a service has the data folder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from console.caller import Office
from console.cli import cli
from console.service.server import Server
from trust import chain


@pytest.fixture
def typed(office: Office) -> Any:
    def run(*arguments: str, given: str = "") -> Any:
        return CliRunner().invoke(cli, [*arguments, "--data", str(office.data)], input=given)

    with Server(office):
        yield run


def test_a_command_is_done_by_the_service_in_the_name_of_who_has_the_password(
    typed: Any, office: Office, word: str
):
    mute = ("mutes", "add", "--as", "li", "--reason", "known", "--source", "10.0.0.9", "--json")
    refused = typed(*mute, given="wrong\n")
    assert refused.exit_code == 1
    assert "refused" in refused.output
    done = typed(*mute, given=f"{word}\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)
    records = chain.search(chain.files_in(office.data / "audit"), lambda r: r.action == "alerts.mute", 9)
    assert [(r.who, r.via.partition(",")[0]) for r in records.records] == [("li", "socket")]


def test_what_only_reads_is_read_here(typed: Any):
    assert typed("cases", "list").exit_code == 0
    assert typed("mutes", "list").exit_code == 0


def test_bad_use_is_told_before_anybody_is_asked(typed: Any):
    done = typed("mutes", "add", "--as", "li", "--nonsense")
    assert done.exit_code == 2
    assert "password" not in done.output


def test_a_new_password_is_asked_for_over_there(typed: Any, word: str):
    assert typed("accounts", "passwd", "li", given=f"{word}\nAnother-Word-77\n").exit_code == 0
    assert typed("cases", "list", "--as", "li", given=f"{word}\n").exit_code == 1
    assert typed("--lang", "zh", "cases", "list", "--as", "li", given="Another-Word-77\n").exit_code == 0


def test_the_operating_systems_user_lists_accounts(typed: Any):
    done = typed("accounts", "list", "--json")
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["li", "root", "wang"]
