from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import UsageError
from playbooks.inputs import gathered, lane_of
from playbooks.library import examine

from .conftest import HEAD


def book(tmp_path: Path, variables: str):
    path = tmp_path / "x.yaml"
    head = HEAD.format(id="x").replace("workflow:", variables + "workflow:")
    path.write_text(
        head + "  go:\n    commands: [{type: manual, command: x}]\n    on_completion: end\n", "utf-8"
    )
    entry = examine(path).entry
    assert entry is not None
    return entry.playbook


def test_given_before_the_alert_before_the_usual(tmp_path: Path) -> None:
    playbook = book(tmp_path, "  __destination_ip__: {type: ipv4-addr, external: true}\n")
    alert = {"source": {"ip": "10.0.0.1"}, "citywall": {"targets": {"count": 1, "sample": ["10.0.0.2"]}}}
    found = gathered(playbook, {"source_ip": "10.0.0.9"}, alert, "")
    assert found == {"__source_ip__": "10.0.0.9", "__destination_ip__": "10.0.0.2"}
    with pytest.raises(UsageError, match="__destination_ip__ is not given"):
        gathered(playbook, {}, None, "")
    with pytest.raises(UsageError, match="of type ipv4-addr"):
        gathered(playbook, {"destination_ip": "::1"}, None, "")


def test_lanes() -> None:
    assert lane_of({"citywall": {"lane": "drill"}}, "live") == "drill"
    assert lane_of(None, "test") == "test"
