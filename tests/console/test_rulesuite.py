from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from scapy.utils import wrpcap

from citywall.errors import InputError
from console.rulesuite import Comparison, options_of, read_expected, read_index, run_suite, settings_of
from tests.rules.conftest import ping


@pytest.fixture
def index(tmp_path: Path) -> Path:
    wrpcap(str(tmp_path / "a.pcap"), [ping(1), ping(2)])
    (tmp_path / "a.rules").write_text("alert icmp any any -> any any (itype:8; sid:1;)\n")
    cases = [
        {"name": "right", "pcap": "a.pcap", "rules": "a.rules", "expected": {"1": 2}, "args": ["-k none"]},
        {"name": "wrong", "pcap": "a.pcap", "rules": "a.rules", "expected": {"2": 1}},
        {"name": "broken", "pcap": "none.pcap", "rules": "a.rules", "expected": {}},
    ]
    path = tmp_path / "index.json"
    path.write_text(json.dumps(cases))
    return path


def test_a_suite(index: Path):
    right, wrong, broken = run_suite(index)
    assert (right.passed, wrong.passed, broken.passed) == (True, False, False)
    assert wrong.got == {"1": 2}
    assert "none.pcap" in broken.error


def test_no_index(tmp_path: Path):
    path = tmp_path / "index.json"
    path.write_text("{}")
    with pytest.raises(InputError):
        read_index(path)
    with pytest.raises(InputError):
        read_index(tmp_path / "none")


def test_arguments():
    found = options_of(["-k none --set stream.midstream=true", "--simulate-ips --runmode=single"])
    assert (found.checksums, found.inline) == (False, True)
    told = settings_of(found)
    assert (told.midstream, told.inline, told.checksums) == (True, True, False)
    assert settings_of(options_of([])).checksums
    assert not options_of(["--set pcap-file.checksum-checks=no"]).checksums


def test_limits_of_streams_and_bodies_are_understood():
    told = settings_of(options_of(["--set stream.reassembly.depth=8kb --set a.response-body-limit=1mb"]))
    assert (told.depth_bytes, told.body_bytes) == (8 << 10, 1 << 20)
    assert settings_of(options_of(["--set stream.reassembly.depth=0"])).depth_bytes == 0
    assert settings_of(options_of(["--set stream.reassembly.depth=all"])) == settings_of(options_of([]))


def test_a_comparison_counts_what_is_missing_and_what_is_more(tmp_path: Path):
    found = Comparison()
    found.add("a", Counter({"1": 2, "2": 1}), Counter({"1": 1, "3": 1}))
    found.add("b", Counter({"1": 1}), Counter({"1": 1}))
    assert (found.expected, found.found, found.extra) == (4, 2, 1)
    assert found.captures == {"a": {"missing": {"1": 1, "2": 1}, "extra": {"3": 1}}}
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(InputError):
        read_expected(path)
