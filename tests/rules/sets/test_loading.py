from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import InputError
from rules.language.parser import Parser
from rules.sets.choices import Choice
from rules.sets.loading import load

TEXT = """\
alert tcp any any -> any any (sid:1;)
# alert tcp any any -> any any (sid:2;)
# alert tcp any any -> any any (nonsense; sid:3;)
alert tcp any any -> any any (sid:4;)
"""


def sids(files: list[tuple[str, Path]], *choices: Choice, **more: bool) -> list[int]:
    return [rule.sid for rule in load(Parser(), files, choices, **more).rules]


def test_choices(tmp_path: Path):
    (tmp_path / "a.rules").write_text(TEXT)
    files = [("a.rules", tmp_path / "a.rules")]
    assert sids(files) == [1, 4]
    assert sids(files, Choice(False, "1"), Choice(True, "2")) == [4, 2]
    assert sids(files, Choice(False, "1"), all_of_them=True) == [1, 4]
    found = load(Parser(), files, (Choice(True, "3"),))
    assert [(fault.line, fault.sid) for fault in found.rejected] == [(3, 3)]


def test_rules_that_are_known_are_not_read_again(tmp_path: Path):
    (tmp_path / "a.rules").write_text(TEXT)
    files = [("a.rules", tmp_path / "a.rules")]
    first = load(Parser(), files).rules
    (tmp_path / "a.rules").write_text(TEXT.replace("# alert", "\n# alert", 1))
    one, four = load(Parser(), files, known=first).rules
    assert one is first[0]
    assert (four.line, four.sid, four.source is first[1].source) == (5, 4, True)
    assert first[1].line == 4


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(InputError):
        load(Parser(), [("x", tmp_path / "none")])
