from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.errors import BenchError
from bench.story.net import ATTACKER, CLIENT, Net


def test_both_sides_speak_through_the_gate_alone():
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    try:
        with Net() as net:
            assert net.reaches(ATTACKER)
            assert net.reaches(CLIENT, "10.20.100.77")
            assert not net.reaches(ATTACKER, port=445)
            net.scan(hosts=3)
            assert net.blocked() == ""
            subprocess.run([*net.inside(), "ip", "link", "set", net.tap, "down"], check=True)
            assert not net.reaches(CLIENT, patience_s=0.3)
    except BenchError as e:
        pytest.skip(str(e))
    left = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    assert net.gate not in left
