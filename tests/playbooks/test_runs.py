from __future__ import annotations

from pathlib import Path

from citywall.settings import load
from playbooks.rundocs import RunDocuments
from playbooks.runfile import RunFile
from playbooks.runs import runs_of


def test_runs_are_where_the_alerts_are(tmp_path: Path) -> None:
    assert isinstance(runs_of(tmp_path, load(None, {})), RunFile)
    assert isinstance(runs_of(tmp_path, load(None, {}, ["store=http://127.0.0.1:9"])), RunDocuments)
