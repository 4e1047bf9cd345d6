"""A part of what the detectors know of each source and relation, the way it is computed with pandas.

A frame a batch, grouped. What a frame holds is forgotten with it, so this is the floor of such a design.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machine import version

NAME = "pandas"
OBTAIN = "pip install pandas"
BATCH = 65_536


def installed() -> str | None:
    """The version at hand, None where there is none."""
    return version("pandas")


def measure(rows: NDArray[np.void]) -> float:
    """CPU seconds a flow: distinct targets, failures and bytes by source, gaps and sizes by relation."""
    import pandas as pd

    opened = rows[rows["report"] == 0]
    began = time.process_time()
    for at in range(0, len(opened), BATCH):
        part = opened[at : at + BATCH]
        names = ("src_lo", "dst_lo", "dst_port", "first", "src_bytes", "dst_bytes", "dst_packets")
        frame = pd.DataFrame({name: part[name].astype(np.int64) for name in names})
        _features(frame)
    return (time.process_time() - began) / len(opened)


def _features(frame: Any) -> None:
    frame["failed"] = frame["dst_packets"] == 0
    by_source = frame.groupby("src_lo")
    by_source.agg({"dst_lo": "nunique", "dst_port": "nunique", "failed": "sum", "src_bytes": "sum"})
    relation = frame.groupby(["src_lo", "dst_lo", "dst_port"])
    frame["gap"] = relation["first"].diff()
    relation.agg({"gap": ["median", "std"], "src_bytes": ["median", "sum"], "dst_bytes": "sum"})
