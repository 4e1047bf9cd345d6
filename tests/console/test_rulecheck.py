from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console import rulecheck
from rules.sets.changing import update
from rules.sets.folder import RuleFolder
from tests.rules.sigma.test_reading import RULE


def test_lists_and_sigma_rules_are_checked_beside_signatures(invoke: Any, tmp_path: Path):
    (tmp_path / "l.txt").write_text("evil.example\nnonsense\n")
    (tmp_path / "s.yml").write_text(RULE + "---\ntitle: x\n")
    done = invoke("rules", "check", str(tmp_path / "l.txt"), str(tmp_path / "s.yml"), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["rules"]) == (1, 0)
    (listed,) = told["indicators"]
    assert (listed["accepted"], listed["rejected_count"]) == ({"domain": 1}, 1)
    assert listed["rejected"][0]["place"] == "line 2"
    assert (len(told["sigma"]["accepted"]), told["sigma"]["rejected"][0]["document"]) == (1, 2)
    said = invoke("rules", "check", str(tmp_path / "l.txt"), str(tmp_path / "s.yml"), "--lang", "zh").stdout
    assert "line 2: nonsense" in said
    assert rulecheck.is_signatures(tmp_path / "x.rules")


def test_sigma_rules_of_a_folder(tmp_path: Path):
    folder = RuleFolder(tmp_path / "rules")
    change = update(folder, {"sigma/a.yml": RULE.encode()}, "x", replace=False)
    assert change.holding.sigma is not None
    (told,) = rulecheck.sigma(folder)
    assert (told["title"], told["on"]) == ("Odd name", True)


def test_what_flow_logs_can_answer(invoke: Any, tmp_path: Path):
    head = "alert tcp any any -> any any"
    (tmp_path / "a.rules").write_text(f'{head} (sid:1;)\n{head} (content:"abc"; sid:2;)\n')
    told = json.loads(invoke("rules", "check", str(tmp_path / "a.rules"), "--flow-logs", "--json").stdout)
    assert told["flow_logs"] == {"answered": 1, "not": {"it looks into payload": 1}}
    said = invoke("rules", "check", str(tmp_path / "a.rules"), "--flow-logs", "--lang", "zh").stdout
    assert "1: it looks into payload" in said
