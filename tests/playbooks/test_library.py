"""Playbooks in files: what is accepted, what is told of what is not, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import InputError
from playbooks.cacao import PLAN, actions
from playbooks.library import SHIPPED, Library, examine, restored

from .conftest import HEAD

GOOD = HEAD.format(id="test") + (
    "  go:\n    commands: [{type: manual, command: {en: look, zh: 看}}]\n    on_completion: end\n"
)
NAMES = {"contain-scan", "contain-brute-force", "mitigate-ddos", "contain-malware", "contain-data-theft"}


def told(path: Path) -> list[tuple[int, str, str]]:
    return [(f.line, f.field, f.key.partition(".")[2]) for f in examine(path).faults]


def test_what_ships_is_whole_and_bound_to_plans() -> None:
    reports = Library([SHIPPED]).reports()
    assert {report.entry.short for report in reports if report.entry} == NAMES
    for report in reports:
        assert report.warnings == []
        assert report.entry is not None
        book = report.entry.playbook
        assert book.plan is not None
        assert len(book.plan.clauses) >= 3
        assert book.said("name", "", "zh") != book.name
        assert any(getattr(c, "address", "") for _, _, c in actions(book)), "nothing is contained"
        for id_, step in book.workflow.items():
            if step.name:
                assert book.step_name(id_, "zh") != step.name, (book.name, step.name)


def test_yaml_compiles_to_json_that_reads_the_same(tmp_path: Path) -> None:
    for path in sorted(SHIPPED.glob("*.yaml")):
        entry = examine(path).entry
        assert entry is not None
        out = tmp_path / f"{path.stem}.json"
        out.write_text(json.dumps(entry.document, ensure_ascii=False, indent="\t"), "utf-8")
        again = examine(out)
        assert (again.faults, again.entry and again.entry.digest) == ([], entry.digest)
        assert restored(out.read_bytes()) == entry.playbook


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        HEAD.format(id="Bad Name").replace("modified: 2026-11-01T00:00:00Z", "modified: yesterday")
        + "  go:\n    commands: [{type: manuall, command: x}]\n    timeout: soon\n"
        + "    on_completion: nowhere\n"
        + "  loop:\n    type: while-condition\n    condition: '__x__:value ='\n    colour: red\n",
        "utf-8",
    )
    assert told(path) == [
        (1, "id", "not_short"),
        (4, "modified", "not_form"),
        (12, "workflow.go.commands[1].type", "not_choice"),
        (13, "workflow.go.timeout", "not_span"),
        (14, "workflow.go.on_completion", "not_form"),
        (16, "workflow.loop.on_true", "missing"),
        (18, "workflow.loop.colour", "unknown"),
    ]
    assert all(f.text("zh") and f.text("en") for f in examine(path).faults)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("", 0, "empty"),
        ("a: [1\n", 2, "not_yaml"),
        ("{\n 'a': 1}", 2, "not_json"),
        ('{"a": 1,\n "a": 2}', 2, "twice"),
        ("a: &x 1\n", 1, "anchor"),
        ("a: 1\n---\nb: 2\n", 2, "documents"),
        ("a: " + "[" * 30, 1, "too_deep"),
        ("\udcff", 1, "not_utf8"),
    ],
)
def test_what_is_no_tree(tmp_path: Path, text: str, line: int, key: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert (line, key) in [(at, what) for at, _, what in told(path)]


def test_json_is_strict(tmp_path: Path) -> None:
    entry = examine(next(SHIPPED.glob("*.yaml"))).entry
    assert entry is not None
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**entry.document, "name": 7, "priority": "7"}), "utf-8")
    assert [(field, key) for _, field, key in told(path)] == [
        ("name", "not_quoted"),
        ("priority", "not_number"),
    ]


def test_a_library_of_several(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, "utf-8")
    one, two = Library([tmp_path]).reports()
    assert one.entry is not None
    assert [f.key for f in two.faults] == ["playbook_fault.same_id"]
    assert Library([tmp_path]).get("test").digest == one.entry.digest
    with pytest.raises(InputError, match="no such playbook"):
        Library([tmp_path]).get("other")


def test_who_calls_whom(tmp_path: Path) -> None:
    call = "  go:\n    type: playbook-action\n    playbook_id: {}\n    on_completion: end\n"
    (tmp_path / "a.yaml").write_text(HEAD.format(id="a") + call.format("b"), "utf-8")
    (tmp_path / "b.yaml").write_text(HEAD.format(id="b") + call.format("c"), "utf-8")
    (tmp_path / "c.yaml").write_text(GOOD.replace("id: test", "id: c"), "utf-8")
    assert [e.short for e in Library([tmp_path]).with_called("a")] == ["a", "b", "c"]
    (tmp_path / "c.yaml").write_text(HEAD.format(id="c") + call.format("a"), "utf-8")
    with pytest.raises(InputError, match="calls itself"):
        Library([tmp_path]).with_called("a")


_scrap = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["start", "end", "action"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "name", "workflow", "commands", "plan", "go", "on_completion", PLAN, "en"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=30)
@given(value=_scrap, as_json=st.booleans())
def test_nothing_that_is_written_breaks_the_reader(tmp_path_factory: Any, value: Any, as_json: bool) -> None:
    path = tmp_path_factory.mktemp("x") / ("x.json" if as_json else "x.yaml")
    path.write_text(json.dumps(value), "utf-8")
    report = examine(path)
    assert report.faults
    assert report.entry is None
    for fault in report.faults:
        assert fault.text("en")
        assert fault.text("zh")
