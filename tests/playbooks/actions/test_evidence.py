from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from citywall import canonical
from playbooks.actions.base import Failed
from playbooks.actions.evidence import Command, Evidence

ALERT = {
    "event": {"id": "a1", "start": "2024-05-01T11:59:55Z", "end": "2024-05-01T12:00:30Z"},
    "source": {"ip": "10.0.0.5"},
    "citywall": {"evidence": [{"path": "gone.pcap", "time": "2024-05-01T11:59:50Z"}]},
}


def test_kept_once_with_digests(unit: Any, world: Any, tmp_path: Path) -> None:
    where, one = world(alert={"a1": ALERT}.get), unit(Command(), trigger="a1")
    assert Evidence().plan(one, where).script == "gone.pcap"
    assert Evidence().seen(one, where) is None
    done = Evidence().act(one, where)
    folder = Path(done.outputs["evidence"])
    assert folder == tmp_path / "evidence" / one.key
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [m["what"] for m in manifest["missing"]] == ["gone.pcap"]
    assert [f["file"] for f in manifest["files"]] == ["alert.json", "flows.jsonl"]
    for file in manifest["files"]:
        assert canonical.hashes((folder / file["file"]).read_bytes()) == (file["sm3"], file["sha256"])
    assert json.loads((folder / "alert.json").read_bytes()) == ALERT
    assert Evidence().seen(one, where) == done == Evidence().act(one, where)


def test_what_was_left_half_written_is_written_anew(unit: Any, world: Any, tmp_path: Path) -> None:
    where, one = world(alert={"a1": ALERT}.get), unit(Command(alert="a1"))
    aside = tmp_path / "evidence" / f".{one.key}.part"
    aside.mkdir(parents=True)
    (aside / "rest").write_text("half")
    assert Evidence().seen(one, where) is None
    folder = Path(Evidence().act(one, where).outputs["evidence"])
    assert not aside.exists()
    assert not (folder / "rest").exists()


def test_no_alert(unit: Any, world: Any) -> None:
    with pytest.raises(Failed, match="no_alert"):
        Evidence().plan(unit(Command()), world())
