from __future__ import annotations

import pytest

from rules.language.parser import Parser
from rules.sets import choices
from rules.sets.choices import Choice

RULE = Parser().rule(
    'alert tcp any any -> any any (msg:"Odd"; classtype:bad-unknown; sid:5;)', "x/a.rules", 3
)


@pytest.mark.parametrize(
    ("what", "meant"),
    [
        ("5", True), ("1:5", True), ("2:5", False), ("6", False), ("class:bad-unknown", True),
        ("class:other", False), ("file:a.rules", True), ("file:x", False), ("re:O[d]d", True),
        ("re:even", False), ("sigma:5", False),
    ],
)  # fmt: skip
def test_what_a_word_means(what: str, meant: bool):
    assert choices.speaks(choices.check(what), RULE) is meant


@pytest.mark.parametrize("what", ["", "x", "re:", "re:[", "class:", "1:2:3"])
def test_what_means_nothing_is_refused(what: str):
    with pytest.raises(ValueError):
        choices.check(what)


def test_the_last_word_counts():
    off, on = Choice(False, "class:bad-unknown"), Choice(True, "5")
    assert choices.is_on(RULE, ())
    assert not choices.is_on(RULE, (off,))
    assert choices.is_on(RULE, (off, on))
    assert not choices.is_on(RULE, (on, off))
    assert not choices.is_on(RULE, (), written=False)
    assert choices.sigma_on("a", (off,))
    assert not choices.sigma_on("a", (Choice(False, "sigma:a"),))


def test_remarks_that_are_rules():
    text = "# a word\n#alert tcp any any -> any any (sid:7;)\n# alert ip any any -> any any (gid:2; sid:8;)\n"
    assert choices.wanted_remarks(text, ()) == []
    assert [line for line, _ in choices.wanted_remarks(text, (Choice(True, "7"),))] == [2]
    assert choices.wanted_remarks(text, (Choice(True, "1:8"),)) == []
    assert [line for line, _ in choices.wanted_remarks(text, (Choice(True, "2:8"),))] == [3]
    assert len(choices.wanted_remarks(text, (Choice(True, "re:tcp"),))) == 2
