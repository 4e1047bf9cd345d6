from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from citywall.errors import CitywallError
from console.commands import notices
from console.terminal import Terminal

ISSUE = (
    "notices",
    "issue",
    "--title",
    "弱口令",
    "--findings",
    "10.0.0.9 存在弱口令",
    "--demands",
    "修改口令",
)


def listed(people: Any, *more: str, **who: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in people("notices", "list", "--json", *more, **who).stdout.splitlines()
    ]


@pytest.fixture
def notice(people: Any, case_alert: Any) -> str:
    people.take(case_alert(1, "10.0.0.5", severity=4, unit="edu"))
    case = people.told("cases", "list")["id"]
    told = people.told(*ISSUE, "--case", case, by="li")
    assert (told["unit"], told["unit_name"], told["cases"], told["issuer"]) == ("edu", "EDU", [case], "li")
    return str(told["id"])


def test_the_loop(people: Any, notice: str) -> None:
    assert people("notices", "receive", notice, by="wang").exit_code == 0
    people.told("notices", "rectify", notice, "-m", "已修改", by="wang")
    assert people.told("notices", "retest", notice, "failed", "-m", "仍弱", by="li")["status"] == "failed"
    early = people("notices", "close", notice, "-m", "x", by="li")
    assert (early.exit_code, "close does not follow on failed" in early.stderr) == (1, True)
    people.told("notices", "rectify", notice, "-m", "再次修改", by="wang")
    people.told("notices", "retest", notice, "passed", "-m", "已强", by="chen")
    done = people("notices", "close", notice, "-m", "销号", by="li", lang="zh")
    assert done.stdout.endswith("已销号。\n")
    assert listed(people) == []
    (told,) = listed(people, "--all")
    assert [s["what"] for s in told["history"]] == [
        "issue", "receive", "rectify", "retest", "rectify", "retest", "close",
    ]  # fmt: skip
    shown = people("notices", "show", notice, lang="zh").stdout
    assert "复测未通过 仍弱" in shown
    assert "二、整改要求" in shown


def test_a_liaison_sees_and_answers_its_own_unit_only(people: Any, notice: str) -> None:
    assert [n["id"] for n in listed(people, by="wang")] == [notice]
    assert listed(people, by="sun") == []
    assert people("notices", "show", notice, by="sun").exit_code == 1
    refused = people("notices", "receive", notice, by="sun")
    assert "it belongs to another unit" in refused.stderr
    assert "the role does not allow it" in people("notices", "receive", notice, by="li").stderr


def test_what_is_overdue(people: Any, notice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(people, "--overdue") == []
    monkeypatch.setattr(notices.time, "time_ns", lambda: 4_000_000_000 * 10**9)
    assert [n["overdue"] for n in listed(people, "--overdue")] == ["receipt"]
    assert "RECEIPT" in people("notices", "list").stdout


def test_terms(people: Any, notice: str) -> None:
    told = people.told("notices", "extend", notice, "2099-01-01", "-m", "holidays", by="li")
    assert told["due"][:10] == "2099-01-01"
    past = people(*ISSUE, "--unit", "edu", "--due", "2020-01-01", by="li")
    assert (past.exit_code, "lie in the past" in past.stderr) == (1, True)
    assert "it names no unit" in people(*ISSUE, by="li").stderr


def test_the_letter(people: Any, notice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = ModuleType("citywall.pdf")
    room.render = lambda source, data, lang, *, when: f"{lang} {data['title']} {when > 0}".encode()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "citywall.pdf", room)
    told = people.told("notices", "pdf", notice, str(tmp_path / "a.pdf"))
    assert told["bytes"] == len("en 弱口令 True".encode())
    assert (tmp_path / "a.pdf").read_text() == "en 弱口令 True"
    assert people("notices", "pdf", notice, str(tmp_path / "no" / "a.pdf")).exit_code == 1


def test_without_a_typesetter_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "citywall.pdf", None)
    with pytest.raises(CitywallError, match="cannot set PDF"):
        notices._renderer("zh", 1, Terminal("en"))
