from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.shapes import Shape
from alerts.terms import values_at

PATHS = ("a", "b.a", "b.c.a", "b.c.d", "d.a")
_LEAVES = st.none() | st.booleans() | st.integers() | st.text("xy", max_size=1) | st.lists(st.text("xy"))
_DOCUMENTS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e", "b.a", "c.d"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def flat(value: object) -> list[object]:
    values = value if isinstance(value, list) else [value]
    return [v for v in values if v is not None and not isinstance(v, dict)]


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e", "b.a", "b.c.d"]), _DOCUMENTS, max_size=5))
def test_what_is_read_is_what_a_walk_finds(document: dict[str, object]) -> None:
    found = Shape(PATHS)(document)
    if found is not None:
        assert [flat(value) for value in found] == [values_at(document, path) for path in PATHS]


def test_values_come_as_they_are() -> None:
    document = {"a": [1, "x"], "b": {"a": {"no": "value"}, "c": {"a": 1.5}, "more": [{}]}, "more": None}
    assert Shape((*PATHS, "a"))(document) == ([1, "x"], {"no": "value"}, 1.5, None, None, [1, "x"])
    assert Shape(PATHS)({}) == (None,) * 5


@pytest.mark.parametrize(
    "document",
    [
        {"b": [{"a": 1}]},
        {"b": None},
        {"b": "text"},
        {"b.a": 1},
        {"b": {"c.d": None}},
        {"b": {"c.a": 1}},
        [],
        7,
    ],
)
def test_documents_of_another_form_are_left_to_a_walk(document: object) -> None:
    assert Shape(PATHS)(document) is None


@pytest.mark.parametrize("paths", [("a", "a.b"), ("a.b", "a")])
def test_no_path_begins_another(paths: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="another path"):
        Shape(paths)
