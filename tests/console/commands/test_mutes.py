from __future__ import annotations

import json
from typing import Any

import pytest

ADD = ("mutes", "add", "--source", "10.0.0.5", "--reason", "our own scanner")


def listed(people: Any, *more: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in people("mutes", "list", "--json", *more).stdout.splitlines()]


def test_a_mute_from_beginning_to_end(people: Any, case_alert: Any) -> None:
    assert "no mutes" in people("mutes", "list").stderr
    added = people.told(*ADD, "--from", "2026-03-01", "--days", "30", "--rule", "scan", by="li")
    assert (added["owner"], added["why"], added["expires"][:10]) == ("li", "mute", "2026-03-31")
    people.take(case_alert(1, "10.0.0.5", severity=3, importance=3, unit="edu"))
    assert people("cases", "list", "--json").stdout == ""
    assert listed(people) == []  # it was for a time that has passed
    assert [m["id"] for m in listed(people, "--all")] == [added["id"]]
    now = people.told(*ADD, "--false-positive", by="li")
    shown = people("mutes", "list", lang="zh").stdout
    assert "误报：our own scanner" in shown.replace("误报： ", "误报：")
    assert people("mutes", "lift", now["id"], by="li").exit_code == 0
    assert listed(people) == []
    again = people("mutes", "lift", now["id"], by="li")
    assert (again.exit_code, "it is lifted already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "by", "code", "said"),
    [
        (("mutes", "add", "--reason", "x"), "li", 1, "names a detector, a source or a target"),
        ((*ADD[:3], "10.0.0.5/8", *ADD[4:]), "li", 1, "it is no address or prefix"),
        (ADD, "wang", 1, "the role does not allow it"),
        ((*ADD, "--days", "31"), "li", 2, "31"),
        (("mutes", "lift", "nothing"), "li", 1, "there is no mute nothing"),
    ],
)
def test_what_is_refused(people: Any, arguments: tuple[str, ...], by: str, code: int, said: str) -> None:
    done = people(*arguments, by=by)
    assert (done.exit_code, said in done.stderr) == (code, True)
