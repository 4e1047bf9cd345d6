from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from citywall.errors import DataFolderError, SettingsError
from console import options
from console.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]


def test_settings_from_options(tmp_path: Path):
    file = tmp_path / "citywall.toml"
    file.write_text("lane = 'drill'\n[meter]\nidle_timeout_s = 30\n")
    found = options.load(file, ("meter.idle_timeout_s=60",), "use_detectors=false")
    assert (found.lane, found.meter.idle_timeout_s, found.use_detectors) == ("drill", 60, False)
    with pytest.raises(SettingsError):
        options.load(None, ("no.such=1",))


def test_data_option_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CITYWALL_DATA", str(tmp_path))
    seen: list[Path] = []

    @click.command()
    @options.data
    def command(data: Path) -> None:
        seen.append(data)

    command.main([], standalone_mode=False)
    command.main(["--data", "elsewhere"], standalone_mode=False)
    assert seen == [tmp_path, Path("elsewhere")]


def test_log_records_never_land_on_the_terminal():
    code = "from console import options; options.load(None, ()); import logging; logging.error('not this')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == ""


def test_need_data(tmp_path: Path):
    options.need_data(tmp_path, Terminal("en"))
    with pytest.raises(DataFolderError, match="citywall run"):
        options.need_data(tmp_path / "absent", Terminal("en"))
