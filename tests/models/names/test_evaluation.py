"""The report on families that were not seen."""

from __future__ import annotations

import pytest

from citywall.errors import InputError
from models import modelfile
from models.names import evaluation, model, synth
from models.registry import SHIPPED


@pytest.fixture(autouse=True, scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "PINYIN", 1000)
        for name, value in (("BENIGN", 3000), ("CALIBRATION", 2000), ("A_FAMILY", 200)):
            patch.setattr(model, name, value)
        yield


def test_lists(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("# a list\na.com\n\n b.com \n")
    assert evaluation.read(path) == ["a.com", "b.com"]
    path.write_text("#\n")
    with pytest.raises(InputError, match="holds no names"):
        evaluation.read(path)
    with pytest.raises(InputError):
        evaluation.read(tmp_path / "absent")


def test_everything_is_told():
    found = model.of(modelfile.load(SHIPPED / "dga.model"), "dga")
    families = {"base": synth.malicious("base36", 200, 50), "sung": synth.malicious("spoken", 200, 50)}
    benign = synth.benign(400, 50)
    told = evaluation.evaluate(found, families, benign)
    assert sum(n for side in told["confusion"].values() for n in side.values()) == 1800
    assert told["by_class"]["base"]["recall"] > 0.98
    assert told["by_class"]["sung"]["recall"] < 0.2  # and that is said
    assert told["by_class"]["benign"]["rows"] == 1400
    assert told["by_class"]["pinyin"]["rows"] == 1000
    assert set(told["recall_at_false_rate"]["families"]) == set(families)
    beside = evaluation.honest(found, families, benign, 3, told["recall_at_false_rate"]["recall"])
    assert not beside["shuffled"]["suspicious"]
    assert beside["stump"]["feature"]


def test_families_left_out():
    families = {f: synth.malicious(f, 60, 50) for f in ("base36", "short")}
    said: list[str] = []
    told = evaluation.left_out(families, synth.benign(60, 51), 3, "2026-03-02T00:00:00Z", said.append)
    assert said == ["base36", "short"]
    assert told["by_class"]["base36"]["recall"] == 1.0
    assert sum(n for side in told["confusion"].values() for n in side.values()) == 2 * (60 + 30 + 1000)
