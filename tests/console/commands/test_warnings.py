from __future__ import annotations

import json
from typing import Any

import pytest

FIELDS = ("nature", "threat", "scope", "objects", "impact", "measures")
ISSUE = ("warnings", "issue", "--title", "蠕虫", *(w for f in FIELDS for w in (f"--{f}", f"{f} 内容")))


def listed(people: Any, *more: str, **who: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in people("warnings", "list", "--json", *more, **who).stdout.splitlines()
    ]


def test_from_issue_to_lift(people: Any) -> None:
    assert "no warnings in force" in people("warnings", "list").stderr
    told = people.told(*ISSUE, "--colour", "yellow", "--unit", "edu", by="chen")
    assert (told["colour"], told["authority"], told["actual"]) == ("yellow", "internal", "Actual")
    assert (
        people.told("warnings", "change", told["id"], "--colour", "red", "-m", "x", by="chen")["colour"]
        == "red"
    )
    assert "红色（特别重大）" in people("warnings", "list", lang="zh").stdout
    page = people("warnings", "show", told["letter"], lang="zh").stdout
    assert "防范对策: measures 内容" in page
    assert "升级" in page
    done = people("warnings", "lift", told["id"], "-m", "over", by="chen")
    assert done.stdout.endswith("red (I), over.\n")
    assert listed(people) == []
    assert [w["in_force"] for w in listed(people, "--all")] == [False]


def test_only_approvers_issue_and_liaisons_see_theirs(people: Any) -> None:
    refused = people(*ISSUE, "--colour", "red", by="li")
    assert (refused.exit_code, "the role does not allow it" in refused.stderr) == (1, True)
    told = people.told(*ISSUE, "--colour", "red", "--unit", "edu", "--relayed-from", "省网信办", by="chen")
    assert (told["authority"], told["source"]) == ("relayed", "省网信办")
    assert [len(listed(people, by=who)) for who in ("wang", "sun", "li")] == [1, 0, 1]
    assert people("warnings", "show", told["id"], by="sun").exit_code == 1
    assert people.told("warnings", "show", told["id"], by="wang")["id"] == told["id"]


@pytest.mark.parametrize("missing", FIELDS)
def test_all_seven_fields(people: Any, missing: str) -> None:
    at = ISSUE.index(f"--{missing}")
    done = people(*ISSUE[:at], *ISSUE[at + 2 :], "--colour", "red", by="chen")
    assert (done.exit_code, f"--{missing}" in done.stderr) == (2, True)
