from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from playbooks.shapes import MISSING, Checker, plain
from playbooks.tree import read


class One(Struct, tag_field="type", tag="one"):
    n: Annotated[int, Meta(ge=1, le=9)]
    kind: Literal["a", "b"] = "a"


class Two(Struct, tag_field="type", tag="two"):
    items: Annotated[tuple[Annotated[str, Meta(pattern="^x")], ...], Meta(max_length=2)] = ()
    flag: bool = False


class Whole(Struct):
    part: One | Two
    names: dict[Annotated[str, Meta(pattern="^_")], str] = {}


def faults(text: str, *, strict: bool = False) -> list[tuple[int, str, str]]:
    root, _ = read(text.encode(), "x", as_json=False)
    assert root is not None
    checker = Checker("x", strict=strict, names={"part": "teil"})
    value = checker.check(root, Whole)
    assert (value is MISSING) == bool(checker.faults)
    return [(f.line, f.field, f.key.partition(".")[2]) for f in checker.faults]


def test_all_that_is_right() -> None:
    assert faults("part: {type: one, n: 3, kind: b}\nnames: {_a: 5}\n") == []
    assert faults('"part": {"type": "two", "items": ["x1"], "flag": true}\n', strict=True) == []


def test_all_that_is_wrong_at_once() -> None:
    assert faults("part:\n  type: two\n  items: [x, y, xx]\n  flag: yes\n  more: 1\nnames: {a: [1]}\n") == [
        (3, "teil.items", "too_many"), (4, "teil.flag", "not_flag"), (5, "teil.more", "unknown"),
        (6, "names.a", "not_form"),
    ]  # fmt: skip
    assert faults("part: {type: one, n: 10, kind: c}\n") == [
        (1, "teil.n", "not_number"), (1, "teil.kind", "not_choice"),
    ]  # fmt: skip
    assert faults("part: {n: 1}\n") == [(1, "teil.type", "missing")]
    assert faults("part: {type: three}\n") == [(1, "teil.type", "not_choice")]
    assert faults("names: {}\n") == [(1, "teil", "missing")]
    assert faults("part: [1]\n") == [(1, "teil", "not_map")]


def test_strict_texts_have_quotation_marks() -> None:
    assert faults('"part": {"type": "two", "items": [x]}\n', strict=True) == [
        (1, "teil.items[1]", "not_quoted")
    ]


def test_plain_values() -> None:
    root, _ = read(b"a: 1\nb: 'true'\nc: [true, null, -3, 1.5]\n", "x", as_json=False)
    assert root is not None
    assert plain(root) == {"a": 1, "b": "true", "c": [True, None, -3, "1.5"]}
