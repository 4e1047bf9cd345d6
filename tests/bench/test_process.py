"""Children: bound to one core, their cost known, their failures told."""

from __future__ import annotations

import os
import sys

import pytest

from bench import process
from bench.errors import BenchError


def python(code: str, **options) -> process.Usage:
    return process.run([sys.executable, "-S", "-c", code], **options)


def test_a_child_runs_on_one_core_and_this_process_on_all():
    before = os.sched_getaffinity(0)
    told = python("import os; print(sorted(os.sched_getaffinity(0)))")
    assert told.output.strip() == str([process.measuring_core()])
    assert os.sched_getaffinity(0) == before


def test_processor_time_of_the_child_and_its_children_counts():
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    told = python(f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {busy!r}])\n{busy}")
    assert told.cpu >= 0.4
    assert told.wall >= 0.4
    assert told.peak_rss > 1 << 20


def test_a_failure_says_what_the_program_said():
    with pytest.raises(BenchError, match=r"ended with 3: no such thing"):
        python("import sys; print('no such thing', file=sys.stderr); sys.exit(3)")


def test_a_silent_failure_is_told_too():
    with pytest.raises(BenchError, match="it said nothing"):
        python("import os; os._exit(1)")


def test_output_can_be_discarded_and_variables_passed():
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['MORE'])"
    assert python(code, environment={"MORE": "x"}).output == "1 x\n"
    assert python(code, environment={"MORE": "x"}, discard=True).output == ""


def test_what_hangs_is_stopped():
    with pytest.raises(BenchError, match="was stopped after 0 s"):
        python("import time; time.sleep(60)", limit_s=0.3)
