"""Record packs: complete, hashed, the same for the same, in both languages."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from alerts.workflow import Step, Workflow
from citywall import sm3
from citywall.errors import DataFolderError
from citywall.i18n import LANGUAGES, catalogue
from drills import record, scoring
from drills.document import Document
from drills.folder import Planned
from drills.running import Attempt, Observed, Run

from .test_scoring import SCENARIO, TRUTH, alert, observed

WALL = 1_800_000_000 * 10**9


@pytest.fixture
def seen(small_drill: Planned) -> Observed:
    at = (small_drill.truth.attacks[0].start - 1_772_413_200 * 10**9) / 1e9 + 1
    found = alert("a<b>|c", at, target="10.20.1.10")
    work = Workflow().after(Step(WALL + 10**9, "王", status="false_alarm", note="<script>"))
    run = Run("s", "1", "r", {"scan": ("T1046",)}, (Attempt(WALL - 5, 0.0),), WALL + 5 * 10**9)
    return Observed(run, (found,), {"a<b>|c": WALL}, {"a<b>|c": work})


def test_a_pack(tmp_path: Path, small_drill: Planned, seen: Observed):
    pack = record.write(small_drill, seen, tmp_path / "pack")
    manifest = (tmp_path / "pack" / "manifest.json").read_bytes()
    assert (pack.sm3, pack.sha256) == (sm3.hexdigest(manifest), hashlib.sha256(manifest).hexdigest())
    listed = json.loads(manifest)
    assert listed["capture"]["sm3"] == small_drill.drill.part("capture.pcap").sm3
    on_disk = {p.name for p in (tmp_path / "pack").iterdir()} - {"manifest.json"}
    assert {f["path"] for f in listed["files"]} == on_disk == {
        "plan.json", "scenario.json", "scenario.yaml", "capture.pcap.truth.json", "score.json",
        "timeline.jsonl", "alerts.jsonl", "workflows.jsonl", "run.json",
        *(f"{n}.{lang}.{end}" for lang in LANGUAGES for n, end in
          (("record", "md"), ("record", "html"), ("brief", "md"))),
    }  # fmt: skip
    for file in listed["files"]:
        data = (tmp_path / "pack" / file["path"]).read_bytes()
        assert (file["bytes"], file["sm3"], file["sha256"]) == (
            len(data), sm3.hexdigest(data), hashlib.sha256(data).hexdigest(),
        )  # fmt: skip
    page = (tmp_path / "pack" / "record.zh.html").read_text("utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "真实告警被判为误报" in page
    assert record.write(small_drill, seen, tmp_path / "again").sm3 == pack.sm3


def test_it_is_put_in_place_of_an_older_one_only(tmp_path: Path, small_drill: Planned, seen: Observed):
    target = tmp_path / "pack"
    record.write(small_drill, seen, target)
    (target / "stray").write_text("x")
    record.write(small_drill, seen, target)
    assert not (target / "stray").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["pack"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("x")
    with pytest.raises(DataFolderError, match="no record pack"):
        record.write(small_drill, seen, other)
    assert (other / "mine").exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_scores_in_words(language: str):
    told = Document(language)
    made = scoring.score("d", "", SCENARIO, TRUTH, observed(alert("a", 150), run=None))
    record.show_score(told, made)
    record.improve(told, made)
    assert "{" not in told.markdown()


def test_every_reason_has_words():
    import re

    source = Path(scoring.__file__).read_text("utf-8")
    codes = {key.partition(".")[2] for key in catalogue() if key.startswith("drill_reason.")}
    said = set(re.findall(r'"([a-z]+(?:_[a-z]+)*)"', source))
    assert codes <= said | {"late"}
    assert record.reason(None, "en") == ""
    advice = {key.partition(".")[2] for key in catalogue() if key.startswith("drill_advice.")}
    missed = {"not_run", "too_mild", "other_hosts", "no_detector", "no_alert", "unfinished", "late"}
    assert missed <= advice
    assert missed <= codes
