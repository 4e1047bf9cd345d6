"""Models beside detectors: resolved, read or left out, and saved together."""

from __future__ import annotations

import logging

import msgspec
import numpy as np
import pytest

from citywall.batches import EVENT, FLOW
from citywall.settings import Settings, results_digest
from models.modelfile import Card
from models.registry import Registry
from stream import scoring


class Fake:
    """Detectors or models that say nothing."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def process(self, *args):
        self.said.append("process")
        return []

    def advance(self, *args):
        return ["advanced"]

    def reset(self):
        self.said.append("reset")

    def close(self, *args):
        return ["closed"]

    def snapshot(self):
        return {"said": ",".join(self.said).encode()}

    def restore(self, parts):
        self.said = bytes(parts["said"]).decode().split(",")


def with_models(**chosen) -> Settings:
    settings = Settings()
    return msgspec.structs.replace(settings, models=msgspec.structs.replace(settings.models, **chosen))


def test_together():
    rules, models = Fake(), Fake()
    both = scoring.Scored(rules, models)
    nothing = np.empty(0, FLOW), np.empty(0, EVENT)
    both.process(*nothing, "a", "live")
    both.process(*nothing, "a", "live")
    assert models.said == ["reset", "process", "process"]
    assert both.advance(1, "a", "live") == ["advanced"]
    other = scoring.Scored(Fake(), Fake())
    other.restore(both.snapshot())
    assert other.models.said == models.said
    other.process(*nothing, "a", "live")
    assert other.models.said[-1] == "process"
    assert both.close("a", "live") == ["closed"]
    with pytest.raises(ValueError, match="without models"):
        other.restore({"x": b""})


def test_the_model_in_use_is_named(tmp_path, caplog):
    settings = with_models(flow="active")
    with caplog.at_level(logging.WARNING):
        assert scoring.named(settings, tmp_path).models.flow == ""
    assert "no flow model" in caplog.text
    card = Card("flow", 1, "2026", ("a",), ("x",), 0.5, 7, {}, {}, {})
    registry = Registry(tmp_path)
    made = registry.keep(card, {})
    registry.activate(made.id)
    named = scoring.named(settings, tmp_path)
    assert named.models.flow.endswith(f"{made.id}.model")
    assert results_digest(named) != results_digest(Settings())
    assert scoring.named(Settings(), tmp_path) == Settings()


def test_a_file_that_is_refused_is_left_out(tmp_path, caplog):
    bad = tmp_path / "bad.model"
    bad.write_bytes(b"citywall-model 1 but no more")
    settings = with_models(flow=str(bad), host=str(tmp_path / "absent.model"))
    with caplog.at_level(logging.WARNING):
        assert scoring.read(settings) == {}
    assert "goes on without its flow model" in caplog.text
    assert "goes on without its host model" in caplog.text

    def build(partition: int):
        return "plain"

    assert scoring.beside(build, settings, None)(0) == "plain"


def test_learners_are_not_torn_apart(caplog):
    from detectors import registry

    def build(partition: int):
        return Fake()

    for partitions, works in ((2, True), (3, False)):
        settings = msgspec.structs.replace(with_models(online=True), partitions=partitions)
        made = scoring.beside(build, settings, registry.sharing({}, partitions))(0)
        assert isinstance(made, scoring.Scored) is works
    assert "3 partitions would tear its learners apart" in caplog.text
    # Whoever shares a learner shares a partition.
    rows = np.zeros(500, FLOW)
    rows["src_lo"] = 0xFFFF0A000000 + np.arange(500)
    learner, partition = (registry.sharing({}, n).sources(rows) for n in (8, 2))
    np.testing.assert_array_equal(learner // 4, partition)


def test_nothing_that_serves_loads_scikit_learn():
    import subprocess
    import sys

    code = (
        "import sys, stream.runner, stream.agents.detect, models.serving, models.health, models.kinds\n"
        "import models.flows.evaluation, models.names.model, models.tables.model, models.outliers.halfspace\n"
        "import console.commands.models, console.commands.forecast, models.forecast.volume\n"
        "print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
