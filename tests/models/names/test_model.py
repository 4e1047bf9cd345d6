"""The model that ships, and one that is trained here."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.errors import ModelError, ModelRefused
from models import modelfile
from models.names import model, synth
from models.registry import SHIPPED

NOW = "2026-03-02T00:00:00Z"


@pytest.fixture(scope="module")
def shipped():
    return modelfile.load(SHIPPED / "dga.model")


@pytest.fixture(scope="module")
def trained():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("BENIGN", 3000), ("CALIBRATION", 2000), ("A_FAMILY", 200)):
            patch.setattr(model, name, value)
        card, arrays = model.train({"mine": ["qwxzkjv.com"] * 20}, ["taiyuan.gov.cn"], 3, NOW)
    return modelfile.unpack(modelfile.pack(card, arrays), "m")


def test_the_shipped_model_keeps_its_promise(shipped):
    found = model.of(shipped, "dga")
    assert (found.score(synth.pinyin_names(3000, 99)) > found.threshold).mean() <= 2e-3
    for family, least in (("base36", 0.99), ("fixed", 0.75), ("hexadecimal", 0.9), ("long", 0.9)):
        names = synth.malicious(family, 500, 99)
        assert (found.score(names) > found.threshold).mean() >= least, family
    assert found.score(["xn----7sbabaocjxke2bsg5b.xn--p1ai"])[0] == -np.inf
    assert shipped.card.data["rows"] > 50_000


def test_families_nobody_made_here(shipped, shared_data):
    found, folder = model.of(shipped, "dga"), shared_data / "captures" / "dga"
    for family, least in (("zeus", 0.99), ("cryptolocker", 0.8), ("tinba", 0.7), ("conficker", 0.3)):
        names = (folder / f"{family}_1000.txt").read_text().split()
        assert (found.score(names) > found.threshold).mean() >= least, family


def test_a_score_does_not_depend_on_company(trained):
    found = model.of(trained, "m")
    names = ["taiyuan.gov.cn", "qkzjxwvu.top", "shop.com"]
    together = found.score(names)
    assert [found.score([n])[0] for n in names] == together.tolist()
    assert together[1] > together[0]


def test_reasons_name_what_moved_it(shipped):
    found = model.of(shipped, "dga")
    told = found.reasons("xkqzjwvbtrpl.com")
    assert len(told) == 3
    assert {name for name, _ in told} & {"likelihood", "likelihood_mean", "pinyin_rest", "likelihood_worst"}


def test_training_again_gives_the_same(trained):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("BENIGN", 3000), ("CALIBRATION", 2000), ("A_FAMILY", 200)):
            patch.setattr(model, name, value)
        again = model.train({"mine": ["qwxzkjv.com"] * 20}, ["taiyuan.gov.cn"], 3, NOW)
    assert modelfile.pack(*again) == modelfile.pack(trained.card, trained.arrays)


def test_what_is_no_model(trained):
    for arrays in (
        {k: v for k, v in trained.arrays.items() if k != "likely"},
        dict(trained.arrays) | {"weights": np.zeros(3)},
        dict(trained.arrays) | {"weights": np.full(16, np.nan)},
    ):
        with pytest.raises(ModelRefused, match="makes no sense"):
            model.of(modelfile.Model(trained.card, arrays, ""), "m")
    card = msgspec.structs.replace(trained.card, features=("moon", *trained.card.features))
    with pytest.raises(ModelRefused, match="moon"):
        model.of(modelfile.Model(card, trained.arrays, ""), "m")
    with pytest.raises(ModelError, match="one of the two sides"):
        model.fit(np.zeros((3, 2), np.float32), np.ones(3, bool))
