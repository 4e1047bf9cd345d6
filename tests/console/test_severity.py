from __future__ import annotations

import pytest
from rich.style import Style

from citywall.findings import Severity
from console import severity, text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_marks_tell_grades_apart_without_colour(language: str):
    marks = [severity.mark(grade, language) for grade in Severity]
    assert len(set(marks)) == len(marks)
    assert {text.width(mark) for mark in marks} == {severity.MARK_CELLS}


def test_english_marks_are_ascii():
    assert all(severity.mark(grade, "en").isascii() for grade in Severity)


def test_every_grade_has_a_style_and_a_word():
    for grade in Severity:
        Style.parse(severity.style(grade))
        assert severity.name(grade, "zh")


@pytest.mark.parametrize(("value", "grade"), [(-3, 1), (0, 1), (3, 3), (99, 5)])
def test_numbers_from_elsewhere_become_the_nearest_grade(value: int, grade: int):
    assert severity.grade(value) == grade
