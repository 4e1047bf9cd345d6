from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import InputError
from rules.sets import changing
from rules.sets.folder import RuleFolder

ONE = b'alert tcp any any -> any any (msg:"a"; sid:%d;)\n'


def test_an_update_tells_what_became_of_the_rules(tmp_path: Path):
    folder = RuleFolder(tmp_path / "rules")
    first = changing.update(
        folder, {"signatures/a.rules": ONE % 1 + ONE % 2 + b"alert x\n"}, "one", replace=False
    )
    assert (first.added, first.same, len(first.holding.rules.rejected)) == (2, 0, 1)
    again = ONE % 1 + (ONE % 2).replace(b'"a"', b'"b"') + ONE % 3
    second = changing.update(folder, {"signatures/a.rules": again, "indicators/l.txt": b"a.example\n"}, "two",
                             replace=False)  # fmt: skip
    assert (second.added, second.changed, second.removed, second.same) == (1, 1, 0, 1)
    assert second.holding.indicators.counts() == {"domain": 1}
    assert folder.current().number == 2


def test_a_set_of_which_nothing_can_be_used_does_not_count(tmp_path: Path):
    folder = RuleFolder(tmp_path / "rules")
    with pytest.raises(InputError, match="nothing of it can be used"):
        changing.update(folder, {"signatures/a.rules": b"alert x\n"}, "one", replace=False)
    assert not folder
    assert folder.numbers() == []


def test_switching_tells_how_many_rules_are_meant(tmp_path: Path):
    folder = RuleFolder(tmp_path / "rules")
    changing.update(folder, {"signatures/a.rules": ONE % 1 + b"#" + ONE % 2}, "one", replace=False)
    version, meant = changing.switch(folder, ["2", "9"], on=True)
    assert meant == {"2": 1, "9": 0}
    assert [rule.sid for rule in changing.everything(folder, version)] == [1, 2]
    version, _ = changing.switch(folder, ["2"], on=False)
    assert [(c.on, c.what) for c in version.choices] == [(True, "9"), (False, "2")]
    with pytest.raises(ValueError):
        changing.switch(folder, ["nonsense"], on=True)
