from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_RUN = """
import sys
import numpy as np
{before}
from stream import kernels
words = np.arange(4, dtype=np.uint64).reshape(2, 2)
words.flags.writeable = False
times, ids = np.empty(2, np.int64), np.empty(2, np.uint64)
assert kernels.pick(words, 0, 1, times, ids)
assert times.tolist() == [0, 2] and ids.tolist() == [1, 3]
print("scipy.linalg" in sys.modules)
import scipy.linalg
print(scipy.linalg.norm([3.0, 4.0]))
"""


def _said(before: str) -> list[str]:
    code = _RUN.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.split()


def test_kernels_run_without_scipy_which_others_may_still_use():
    spared = "from citywall.lean.kernels import forgo_linear_algebra as forgo; forgo(); forgo()"
    assert _said(spared) == ["False", "5.0"]
    assert _said("") == ["True", "5.0"]  # else this is no longer needed
