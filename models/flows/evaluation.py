"""Reports on models over flows: with labels, what they say; without, how often they would speak."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError
from models import drift
from models.flows import archive, features, hosts
from models.flows.model import FEATURES, FLOW, FlowModel
from models.judging import measures
from models.judging.honesty import best_stump

COLUMNS = list(dict.fromkeys([*features.NEEDED, *hosts.NEEDED, *archive.PLACES]))


def read(paths: list[Path]) -> tuple[archive.Flows, str]:
    """Flows of data folders or archive files, and their digest."""
    files = [file for path in paths for file in archive.files(path)]
    flows = archive.read(files, COLUMNS)
    h = hashlib.sha256()
    for name in COLUMNS:
        h.update(np.ascontiguousarray(flows[name]).tobytes())
    return flows, h.hexdigest()


def attacks(flows: archive.Flows, truth: Path) -> NDArray[np.bool_]:
    """Which flows are attacks by a truth file: those whose first frame is an attack's. Raises InputError."""
    try:
        told = json.loads(truth.read_text("utf-8"))
        spans = [tuple(map(int, span)) for attack in told["attacks"] for span in attack["frames"]]
        low, high = np.array(sorted(spans), np.int64).reshape(-1, 2).T
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise InputError(str(truth), f"is no truth file: {e}") from None
    if not len(low):
        return np.zeros(len(flows["frame"]), bool)
    frame = flows["frame"].astype(np.int64)
    high = np.maximum.accumulate(high)
    at = np.searchsorted(low, frame, side="right") - 1
    return np.asarray((at >= 0) & (frame <= high[np.maximum(at, 0)]) & (frame > 0))


def evaluate(model: FlowModel, flows: archive.Flows, attack: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Judge a model on flows, `attack` saying which are attacks."""
    if model.kind == FLOW:
        rows, true = features.features(flows), attack
    else:
        found = hosts.host_windows(flows)
        rows, true = found.rows, None if attack is None else _minutes(flows, attack)
    score = model.score(rows)
    said = score > model.threshold
    seconds = max((int(flows["last"].max()) - int(flows["last"].min())) / 1e9, 1.0)
    told: dict[str, Any] = {
        "table": model.kind, "rows": len(rows), "threshold": model.threshold,
        "over_threshold": int(said.sum()), "alerts_a_day": float(said.sum()) / seconds * 86400,
        "drift": drift.spread(FEATURES[model.kind], model.edges, model.shares, rows, score),
    }  # fmt: skip
    if true is not None:
        right = int((said == true).sum())
        stump = best_stump(rows, true)
        classes = np.where(true, "attack", "normal")
        told |= {
            "accuracy": right / len(rows), "interval": list(measures.wilson(right, len(rows))),
            "confusion": measures.confusion(said, true), **measures.two_sides(said, true),
            "by_class": measures.per_class(said, classes, "normal"),
            "roc_auc": measures.auc_told(score, true),
            "stump": {"feature": FEATURES[model.kind][stump.feature], "chosen_on": "these very rows",
                      "accuracy": measures.accuracy(stump.say(rows), true)},
        }  # fmt: skip
        told["flags"] = ["stump_reaches"] if told["stump"]["accuracy"] >= told["accuracy"] - 0.01 else []
    return told


def _minutes(flows: archive.Flows, attack: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which host minutes hold an attack's flow."""
    marked = {**flows, "dst_packets": attack.astype(np.uint64)}
    share = hosts.host_windows(marked).rows[:, hosts.NAMES.index("unanswered_share")]
    return np.asarray(share < 1.0)
