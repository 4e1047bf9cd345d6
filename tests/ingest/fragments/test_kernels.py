"""The kernels where they are not compiled, so that no access may be outside of an array."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_hostile_fragments_stay_inside_every_array():
    script = Path(__file__).with_name("without_jit.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(ROOT)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
