from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def capture(shared_data: Any) -> str:
    return str(shared_data / "captures" / "pcap" / "benign" / "http_ipv6.pcap")


def test_exchanges_are_told_a_line(invoke: Any, capture: str):
    done = invoke("transactions", capture, "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert {t["protocol"] for t in told} == {"tls"}
    assert all(t["server_port"] == 443 and t["buffers"]["tls.sni"] for t in told)
    assert invoke("transactions", capture, "--protocol", "http").stdout == ""


def test_what_is_no_capture_is_refused(invoke: Any, tmp_path: Any):
    (tmp_path / "x").write_bytes(b"nonsense")
    done = invoke("transactions", str(tmp_path / "x"))
    assert done.exit_code != 0
    assert "x" in done.stderr
