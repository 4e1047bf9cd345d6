"""The kernel where it is not compiled: no load outside the record, whatever the bytes say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import importlib.util, sys
sys.path.insert(0, sys.argv[1])
from citywall.kernels import JIT
assert not JIT
spec = importlib.util.spec_from_file_location("cases", sys.argv[2])
cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)
cases.test_hostile_bytes_end()
for name in cases.ODD:
    whole = cases.ODD[name]
    assert name in cases.raw(whole)
    for size in range(1, len(whole), 3):
        cases.raw(whole[:size])
"""


def test_hostile_headers_are_read_inside_their_record():
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            CODE,
            str(ROOT),
            str(Path(__file__).with_name("test_finding.py")),
        ],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
