"""Tables small enough to learn from in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from citywall.batches import ACK, END, FIN, FLOW, SYN, TCP, UDP
from models import modelfile
from models.flows import model as flow_model
from models.tables import kdd, model, training
from models.tables.kdd import FEATURES

SECOND = 1_000_000_000
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


def make_flows(
    seed: int, count: int, minutes: int = 20, attacks: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """END rows in event order, and which of them are scans."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, FLOW)
    attack = rng.random(count) < attacks
    rows["kind"] = END
    rows["first"] = np.sort(rng.integers(0, minutes * 60 * SECOND, count)) + 1_772_413_200 * SECOND
    rows["last"] = rows["first"] + np.where(attack, 0, rng.integers(0, 20 * SECOND, count))
    rows["time"] = rows["last"] + rng.integers(0, 120 * SECOND, count)
    rows["flow_id"] = np.arange(count) + 1
    rows["frame"] = np.arange(count) + 1
    rows["src_hi"] = rows["dst_hi"] = 0
    rows["src_lo"] = 0xFFFF0A140100 + np.where(attack, 200, rng.integers(1, 30, count))
    rows["dst_lo"] = 0xFFFF0A140200 + np.where(attack, rng.integers(1, 250, count), rng.integers(1, 6, count))
    rows["src_port"], rows["dst_port"] = rng.integers(20000, 60000, count), np.where(attack, 445, 443)
    rows["proto"] = np.where(rng.random(count) < 0.8, TCP, UDP)
    rows["version"] = 4
    rows["src_packets"] = np.where(attack, 1, rng.integers(5, 60, count))
    rows["dst_packets"] = np.where(attack, 0, rng.integers(5, 90, count))
    rows["src_bytes"] = rows["src_packets"] * np.where(attack, 40, rng.integers(60, 400, count))
    rows["dst_bytes"] = rows["dst_packets"] * rng.integers(60, 1400, count)
    rows["src_payload"] = rows["src_bytes"] - 40 * rows["src_packets"]
    rows["dst_payload"] = np.maximum(rows["dst_bytes"].astype(int) - 40 * rows["dst_packets"].astype(int), 0)
    rows["first_flags"] = SYN
    rows["src_flags"] = np.where(attack, SYN, SYN | ACK | FIN)
    order = np.lexsort((rows["flow_id"], rows["time"]))
    return rows[order], attack[order]


@pytest.fixture(scope="session")
def flows_of():
    return make_flows


@pytest.fixture(scope="session")
def flow_files():
    """A model of flows and one of hosts, as files hold them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow_model, "TREES", 15)
        patch.setattr(flow_model, "ALERTS_A_DAY", 500.0)
        rows, attack = make_flows(1, 3000)
        flow = modelfile.unpack(modelfile.pack(*flow_model.train_flow(rows, attack, "d", 3, NOW)), "flow")
        usual, _ = make_flows(2, 3000, attacks=0.0)
        host = modelfile.unpack(modelfile.pack(*flow_model.train_host(usual, "d", 3, NOW)), "host")
    return flow, host
