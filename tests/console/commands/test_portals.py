"""`citywall portals` over a real site and a real data folder, as people with roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.websites import DARK, PAGE, Site

REGISTER = """\
units: [{{id: u, name: 市政府办, persons: [{{name: 王}}]}}]
portals:
  - {{id: www, name: 门户, urls: ["{url}"], unit: u}}
  - {{id: other, name: 其他, urls: ["{url}other"], unit: u}}
"""


@pytest.fixture
def portals(people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with Site("::1") as site:
        register = tmp_path / "register.yaml"
        register.write_text(REGISTER.format(url=site.url))
        for name, value in (("REGISTER", register), ("PORTALS__PAUSE_S", 0), ("PORTALS__LEARN", 1)):
            monkeypatch.setenv(f"CITYWALL_{name}", str(value))

        def call(*words: str, by: str = "", lang: str = "en") -> Any:
            return people("portals", *words, by=by, lang=lang)

        call.site = site  # type: ignore[attr-defined]
        yield call


def lines(done: Any) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_from_the_first_visit_to_acceptance(portals: Any, tmp_path: Path) -> None:
    assert [(p["portal"], p["visited"]) for p in lines(portals("list", "--json"))] == [
        ("other", None), ("www", None),
    ]  # fmt: skip
    assert "never" in portals("show", "www").stdout
    first = lines(portals("probe", "www", "--json", by="li"))
    assert [(r["portal"], r["status"], r["drifts"]) for r in first] == [("www", 200, [])]
    portals.site.body = PAGE + DARK
    done = portals("probe", by="chen", lang="zh")
    assert done.exit_code == 0, done.stderr
    assert "出现指向未知站点的隐藏链接：dark.example.com" in done.stdout
    assert "portals/records" in done.stderr
    shown = portals("show", "www").stdout
    assert "hidden link: dark.example.com (display)" in shown
    whole = json.loads(portals("show", "www", "--json").stdout)
    assert {d["kind"] for d in whole["pages"][0]["drifts"]} == {"hidden", "words"}
    taken = lines(portals("accept", "www", "--reason", "a test", "--json", by="li"))
    assert [(p["drifts"], p["accepted_by"]) for p in taken] == [([], "li")]
    assert "portal www: 1 pages" in portals("accept", "www", "--reason", "again", by="li").stdout.lower()
    (again,) = lines(portals("probe", "www", "--json", by="li"))
    assert again["drifts"] == []
    audit = (tmp_path / "audit").rglob("*.jsonl")
    told = [json.loads(line) for file in audit for line in file.read_text().splitlines()]
    assert [r["who"] for r in told if r["action"] == "portals.accept"] == ["li", "li"]
    assert {r["who"] for r in told if r["action"] == "portals.probe"} == {"li", "chen"}


@pytest.mark.parametrize(
    ("words", "by", "code", "said"),
    [
        (("accept", "www", "--reason", "x"), "li", 1, "not visited yet"),
        (("accept", "www", "--reason", "x"), "wang", 1, "role"),
        (("probe",), "sun", 1, "role"),
        (("probe", "nothing"), "li", 2, "no portal"),
        (("probe", "www", "--url", "http://elsewhere.test/"), "li", 2, "no page"),
        (("show", "nothing"), "", 2, "no portal"),
    ],
)
def test_what_is_refused(portals: Any, words: tuple[str, ...], by: str, code: int, said: str) -> None:
    done = portals(*words, by=by)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert portals.site.asked == []


def test_without_a_register_there_is_nothing(people: Any) -> None:
    assert people("portals", "list").exit_code == 2
