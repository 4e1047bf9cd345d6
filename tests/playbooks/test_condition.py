from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.condition import Unfit, parse

VALUES = {"__a__": "5", "__b__": "abc", "__ip__": "10.1.2.3", "__none__": None, "__v6__": "2001:db8::1"}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("__a__:value == '5'", True), ("__a__:value = 5.0", True), ("__a__:value > 10", False),
        ("__a__:value >= 5 AND __b__:value == 'abc'", True), ("__a__:value < 5 OR __b__:value <> 'x'", True),
        ("NOT __a__:value == 5", False), ("NOT (__a__:value == 4 OR __a__:value == 6)", True),
        ("__b__:value IN ('x', 'abc')", True), ("__b__:value NOT IN ('x', 'abc')", False),
        ("__b__:value LIKE 'a%'", True), ("__b__:value LIKE 'a_'", False), ("__b__:value LIKE '[a]%'", False),
        ("__ip__:value ISSUBSET '10.0.0.0/8'", True), ("__ip__:value ISSUBSET '11.0.0.0/8'", False),
        ("'10.0.0.0/8' ISSUPERSET __ip__:value", True), ("__v6__:value ISSUBSET '10.0.0.0/8'", False),
        ("__b__:value > 'abb'", True), ("1 == 1 or false == true", True), (r"'it\'s' == 'it\'s'", True),
    ],
)  # fmt: skip
def test_answers(text: str, answer: bool) -> None:
    assert parse(text).holds(VALUES) is answer


def test_the_variables_asked_are_known() -> None:
    assert parse("__a__:value == __b__:value").variables == {"__a__", "__b__"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "condition_end"), ("__a__:value", "condition_end"), ("__a__:value ==", "condition_end"),
        ("__a__:value == 'x' 'y'", "condition_rest"), ("a == 1", "condition_token"),
        ("(__a__:value == 1", "condition_bracket"), ("__a__:value IN 'x'", "condition_bracket"),
        ("__a__:value AND 1", "condition_operator"), ("== 1", "condition_operand"),
        ("NOT " * 40 + "1 == 1", "condition_deep"), ("__a__:value MATCHES 'a'", "condition_token"),
    ],
)  # fmt: skip
def test_what_is_no_condition(text: str, key: str) -> None:
    with pytest.raises(Unfit) as told:
        parse(text)
    assert told.value.key == key


@pytest.mark.parametrize(("text", "key"), [
    ("__none__:value == 1", "no_value"), ("__other__:value == 1", "no_value"),
    ("__b__:value ISSUBSET '10.0.0.0/8'", "not_address"),
])  # fmt: skip
def test_what_has_no_answer(text: str, key: str) -> None:
    with pytest.raises(Unfit) as told:
        parse(text).holds(VALUES)
    assert told.value.key == key


@given(st.text(st.sampled_from("_ab:value='()<>= ANDORNOTIN1,"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Unfit):
        parse(text)
