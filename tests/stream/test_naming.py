"""The judge of names: the shipped model as the detectors get it."""

from __future__ import annotations

import msgspec
import numpy as np

from citywall.settings import Settings
from models import modelfile
from models.names.features import joined
from models.names.model import KIND, of
from models.registry import SHIPPED
from stream.naming import judge


def named(place: str) -> Settings:
    return msgspec.structs.replace(Settings(), models=msgspec.structs.replace(Settings().models, names=place))


NAMES = ["weather.com", "xkqzjvwpqhtrbn.com", "taiyuan.gov.cn", "qwzrtkxvbnmplkjh.info", "xn--qzvkxwjq8a.com"]


def test_it_says_what_the_model_says():
    file = SHIPPED / f"{KIND}{modelfile.SUFFIX}"
    model = of(modelfile.load(file), str(file))
    made = judge(Settings())
    assert made is not None
    text, offsets = joined(NAMES)
    found = made(text, offsets)
    assert (
        found.tolist()
        == (model.score(NAMES) >= model.threshold).tolist()
        == [False, True, False, True, False]
    )
    for i in range(len(NAMES)):  # whatever company they come in
        alone = made(text[offsets[i] : offsets[i + 1]], np.array([0, offsets[i + 1] - offsets[i]]))
        assert alone.tolist() == [found[i]]


def test_without_a_model_and_with_a_bad_one_there_is_none(tmp_path, caplog):
    assert judge(named("")) is None
    bad = tmp_path / "x.model"
    bad.write_bytes(b"no model")
    assert judge(named(str(bad))) is None
    assert "names are not judged" in caplog.text
