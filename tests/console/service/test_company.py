from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import DataFolderBusy, DataFolderError, SettingsError
from citywall.settings import load
from console.caller import Office
from console.service import protocol
from console.service.company import company, need_accounts
from console.terminal import Terminal
from trust.accounts import opened


def test_without_accounts_nobody_could_log_in(tmp_path: Path, office: Office):
    need_accounts(office.data, Terminal("en"))
    with pytest.raises(DataFolderError, match="citywall accounts init"):
        need_accounts(tmp_path / "empty", Terminal("en"))
    with pytest.raises(DataFolderError, match="尚无账号"):
        need_accounts(tmp_path / "empty", Terminal("zh"))


def test_everything_is_open_while_the_service_runs(tmp_path: Path):
    settings = load(None, {}, ['service.triggers={contain-scan="rule.id:scan"}'])
    with company(tmp_path, settings) as beside:
        assert "playbooks" in [job.name for job in beside.jobs]
        assert (tmp_path / protocol.NAME).exists()
        with pytest.raises(DataFolderBusy), opened(tmp_path, settings):
            pass
        beside.acknowledged([{"event": {"id": "a1"}, "rule": {"id": "scan"}, "citywall": {"lane": "live"}}])
    assert not (tmp_path / protocol.NAME).exists()


@pytest.mark.parametrize("rule", ['{nothing="rule.id:scan"}', '{contain-scan="rule.id:("}'])
def test_a_trigger_that_cannot_be_used_is_refused(tmp_path: Path, rule: str):
    with (
        pytest.raises(SettingsError, match=r"service\.triggers"),
        company(tmp_path, load(None, {}, [f"service.triggers={rule}"])),
    ):
        pass
