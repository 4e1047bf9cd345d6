"""Tables small enough to learn from in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import modelfile
from models.tables import kdd, model, training
from models.tables.kdd import FEATURES

NOW = "2026-03-02T00:00:00Z"


def kdd_lines(seed: int, normal: int, attacks: dict[str, int]) -> list[str]:
    """Lines of the form of NSL-KDD: normal rows, and attacks by type, each type with a manner of its own."""
    rng = np.random.default_rng(seed)
    lines = []
    for label, count in [("normal", normal), *attacks.items()]:
        kind = sum(label.encode()) % 5
        for _ in range(count):
            row = dict.fromkeys(FEATURES, "0")
            service = ("http", "smtp", "domain_u")[rng.integers(3)] if label == "normal" else "private"
            row |= {"protocol_type": "tcp", "service": service, "flag": "SF"}
            row["src_bytes"] = str(int(rng.lognormal(5, 0.7)))
            row["dst_bytes"] = str(int(rng.lognormal(7, 0.7)))
            row["count"] = str(int(rng.integers(1, 12)))
            row["same_srv_rate"] = f"{rng.uniform(0.8, 1):.2f}"
            if label != "normal":
                row |= {"flag": ("S0", "REJ", "SF", "RSTO", "SF")[kind], "count": str(100 + 40 * kind)}
                row["serror_rate"] = f"{rng.uniform(0.5, 1):.2f}"
                row["dst_bytes"] = "0"
            lines.append(",".join([*row.values(), label, "20"]))
    order = rng.permutation(len(lines))
    return [lines[i] for i in order]


@pytest.fixture(autouse=True, scope="session")
def few_trees():
    """Toy tables need no hundred trees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TREES", 12)
        patch.setattr(training, "ISOLATION_TREES", 12)
        yield


@pytest.fixture(scope="session")
def kdd_model(kdd_train: Path, few_trees) -> modelfile.Model:
    """A model of it."""
    card, arrays = model.train(kdd.read(kdd_train), 5, lambda _: None, NOW)
    return modelfile.unpack(modelfile.pack(card, arrays), "m")


@pytest.fixture(scope="session")
def kdd_train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training file."""
    path = tmp_path_factory.mktemp("kdd") / "train.txt"
    types = {"neptune": 60, "smurf": 20, "ipsweep": 20, "satan": 10, "guess_passwd": 4, "rootkit": 3}
    path.write_text("\n".join(kdd_lines(1, 200, types)) + "\n")
    return path


@pytest.fixture(scope="session")
def kdd_test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test file with types that the training file lacks."""
    path = tmp_path_factory.mktemp("kdd") / "test.txt"
    types = {"neptune": 20, "mscan": 20, "snmpguess": 10, "from_mars": 2}
    path.write_text("\n".join(kdd_lines(2, 80, types)) + "\n")
    return path
