"""Machine facts: complete, and silent about who and where."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

from bench import machine


def test_the_facts_are_complete_and_name_nobody():
    facts = machine.facts()
    assert set(facts) >= {"cpu", "cores", "memory", "kernel", "python", "numba", "numpy", "load"}
    assert facts["memory"] > 1 << 28
    told = json.dumps(list(facts.values()))
    assert platform.node() not in told
    assert str(Path.home()) not in told
    assert getpass.getuser() not in told.split('"')


def test_the_version_of_what_is_absent_is_none():
    assert machine.version("there-is-no-such-distribution") is None
    assert machine.version("numpy")


def test_a_machine_without_cpuinfo_still_has_a_processor(monkeypatch):
    def fail(*_):
        raise FileNotFoundError

    monkeypatch.setattr(machine.Path, "read_text", fail)
    assert machine._cpu_model()
