from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture.nodes import MAX_DEPTH, Fields, Items, Scalar, parse


def reasons(text: str) -> list[tuple[int, str, str]]:
    return [(f.line, f.field, f.key.removeprefix("register_fault.")) for f in parse(text, "x.yaml")[1]]


def test_texts_stay_texts_and_know_their_lines():
    root, faults = parse("a: no\nb:\n  - 010\n  - '~'\n  - ~\nc: {d: 1:30}\n", "x.yaml")
    assert not faults
    assert isinstance(root, Fields)
    assert root.fields["a"] == (1, Scalar(1, "no", True))
    line, items = root.fields["b"]
    assert line == 2
    assert isinstance(items, Items)
    assert items.items == [Scalar(3, "010", True), Scalar(4, "~", False), Scalar(5, "~", True)]
    assert [item.absent for item in items.items if isinstance(item, Scalar)] == [False, False, True]
    inner = root.fields["c"][1]
    assert isinstance(inner, Fields)
    assert inner.fields["d"] == (6, Scalar(6, "1:30", True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", [(3, "a", "twice")]),
        ("a: &x 1\n", [(1, "", "anchor")]),
        ("a: 1\nb: *x\n", [(2, "", "anchor")]),
        ("a: !!python/object/apply:os.system [ls]\n", [(1, "", "anchor")]),
        ("a: !!binary aGk=\n", [(1, "", "anchor")]),
        ("a: 1\n---\nb: 2\n", [(2, "", "documents")]),
        ("? [1, 2]\n: 3\n", [(1, "", "key_not_text")]),
        ("a: 1\n b: 2\n", [(2, "", "not_yaml")]),
        ("a: {\n", [(2, "", "not_yaml")]),
        ("a: 1\nb: \x07\n", [(2, "", "not_yaml")]),
        ("\n" + "[" * 100_000, [(2, "", "too_deep")]),
        ("a: " * 3, [(1, "", "not_yaml")]),
    ],
)
def test_what_is_refused(text: str, found: list[tuple[int, str, str]]):
    assert reasons(text) == found


def test_depth():
    fits = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert reasons(fits) == []
    assert reasons(f"[{fits}]") == [(1, "", "too_deep")]


def test_nothing_is_nothing():
    assert parse("", "x.yaml") == (None, [])
    assert parse("# a remark\n", "x.yaml") == (None, [])


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@`#,? \n\t~\x00é\u2028"), max_size=60))
def test_any_text_gives_a_tree_or_faults(text: str):
    root, faults = parse(text, "x.yaml")
    assert root is None or isinstance(root, Scalar | Items | Fields)
    for fault in faults:
        assert 0 <= fault.line <= text.count("\n") + text.count("\u2028") + 2
        assert fault.text("zh")
        assert fault.text("en")
