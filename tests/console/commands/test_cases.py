from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def case(people: Any, case_alert: Any) -> str:
    people.take(
        case_alert(1, "10.0.0.5", "10.0.0.9", severity=3, unit="edu"),
        case_alert(2, "10.0.0.5", "10.0.0.9", rule="guess", severity=5, unit="edu", at=60),
        case_alert(3, "10.0.0.6", severity=4, unit="tax"),
        case_alert(4, "10.0.0.7", severity=2),
    )
    return str(people.told("cases", "list", "--unit", "edu")["id"])


def listed(people: Any, *more: str, **who: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in people("cases", "list", "--json", *more, **who).stdout.splitlines()]


def test_what_is_listed(people: Any, case: str) -> None:
    worst, other = listed(people)
    assert (worst["id"], worst["units"], worst["severity"], worst["opened_by"]) == (
        case,
        ["edu"],
        5,
        "severity",
    )
    assert other["units"] == ["tax"]
    assert [c["units"] for c in listed(people, "--limit", "1")] == [["edu"]]
    assert listed(people, "--lane", "drill") == listed(people, "--status", "closed") == []
    shown = people("cases", "list", lang="zh").stdout
    assert "入侵" in shown
    assert "新建" in shown
    assert "no cases" in people("cases", "list", "--owner", "li").stderr


def test_from_new_to_closed(people: Any, case: str, tmp_path: Path) -> None:
    piece = tmp_path / "slice.pcap"
    piece.write_bytes(b"abc")
    assert people.told("cases", "assign", case, "li", by="li")["owner"] == "li"
    assert people("cases", "comment", case, "-m", "看起来是真的", by="li").stdout.endswith("is kept.\n")
    people.told("cases", "evidence", case, str(piece), "-m", "the log-ins", by="li")
    assert people("cases", "move", case, "handling", by="li").stdout == f"case {case}: handling.\n"
    graded = people.told("cases", "grade", case, "major", "-m", "core system", by="li")
    assert (graded["level"], graded["clocks"], graded["clock_unset"]) == ("major", [], True)
    assert "set reporting.operator" in people("cases", "show", case).stdout
    people.told("cases", "report", case, "first", "-m", "12387", by="li")
    people.told("cases", "move", case, "resolved", by="li")
    done = people.told("cases", "close", case, "--outcome", "handled", "-m", "blocked", by="li")
    assert (done["status"], done["outcome"]) == ("closed", "handled")
    assert [c["units"] for c in listed(people)] == [["tax"]]
    assert len(listed(people, "--all")) == 2
    assert people.told("cases", "reopen", case, "-m", "again", by="li")["status"] == "triage"
    told = people.told("cases", "show", case)
    assert [s["what"] for s in told["history"]] == [
        "begin", "assign", "comment", "evidence", "status", "grade", "report", "status", "close", "reopen",
    ]  # fmt: skip
    assert told["history"][3]["evidence"] == {
        "ref": str(piece), "bytes": 3,
        "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }  # fmt: skip
    records = [
        json.loads(r) for r in people("audit", "list", "--object", "case:", "--json").stdout.splitlines()
    ]
    assert [r["detail"]["step"] for r in records] == [
        "assign", "comment", "evidence", "status", "grade", "report", "status", "close", "reopen",
    ]  # fmt: skip


def test_a_page_in_words(people: Any, case: str) -> None:
    people("cases", "comment", case, "-m", "看起来是真的", by="li")
    page = people("cases", "show", case, lang="zh").stdout
    assert "攻击阶段：侦察 → 入侵" in page
    assert "li: 备注： 看起来是真的" in page
    assert "2 条告警" in page
    running = ("--set", "reporting.operator=cii")
    people("cases", "grade", case, "significant", "-m", "x", by="li")
    assert "第四条" in people("cases", "show", case, *running).stdout
    (clock,) = people.told("cases", "show", case, *running)["clocks"]
    assert (clock["to"], clock["state"], clock["checked"]) == ("cii", "running", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("close", "{case}", "--outcome", "handled", "-m", "x"), "it is not resolved yet"),
        (("reopen", "{case}", "-m", "x"), "it is not closed"),
        (("comment", "{case}"), "a text is needed"),
        (("known", "{case}", "2099-01-01", "-m", "x"), "lies in the future"),
        (("report", "{case}", "summary", "-m", "x"), "there is no first report yet"),
        (("comment", "nowhere", "-m", "x"), "there is no case nowhere"),
    ],
)
def test_what_is_refused(people: Any, case: str, arguments: tuple[str, ...], said: str) -> None:
    done = people("cases", *(a.format(case=case) for a in arguments), by="li")
    assert (done.exit_code, said in done.stderr) == (1, True)


def test_a_liaison_sees_its_own_unit_only_and_changes_nothing(people: Any, case: str) -> None:
    assert [c["units"] for c in listed(people, by="wang")] == [["edu"]]
    assert people.told("cases", "show", case, by="wang")["id"] == case
    hidden = people("cases", "show", case, by="sun")
    assert (hidden.exit_code, "there is no case" in hidden.stderr) == (1, True)
    refused = people("cases", "comment", case, "-m", "x", by="wang")
    assert (refused.exit_code, "the role does not allow it" in refused.stderr) == (1, True)
    assert people("cases", "list", by="root").exit_code == 1


def test_the_register_only_hints_at_another_clock(people: Any, case_alert: Any) -> None:
    people.take(case_alert(1, "10.0.0.5", severity=4, unit="edu", cii=True))
    case = people.told("cases", "list")["id"]
    people("cases", "grade", case, "major", "-m", "x", by="li")
    other, cii = ("--set", "reporting.operator=other"), ("--set", "reporting.operator=cii")
    assert [c["to"] for c in people.told("cases", "show", case, *other)["clocks"]] == ["other"]
    assert "critical information infrastructure" in people("cases", "show", case, *other).stdout
    assert "The register marks" not in people("cases", "show", case, *cii).stdout


def test_making_needs_alerts_and_may_be_done_again(people: Any, case_alert: Any) -> None:
    from alerts.store import open_store

    store = open_store("sqlite://", people.data)
    store.upsert([case_alert(1, "10.0.0.5", severity=4)])
    store.close()
    assert people("cases", "make").stdout == "1 cases are new or have changed.\n"
    assert people.told("cases", "make")["changed"] == []
    assert people.told("cases", "make", "--since", "2026-03-03")["changed"] == []
