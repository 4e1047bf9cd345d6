from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from citywall import __version__
from citywall.errors import DataFolderBusy

ROOT = Path(__file__).resolve().parents[2]


def citywall(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    code = "from console.cli import main; main()"
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **more.pop("env", {})}
    return subprocess.run(  # noqa: PLW1510  (tests look at the exit code themselves)
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        **more,
    )


def test_version_and_help_are_quick():
    for arguments in (["--version"], ["--help"], ["run", "--help"]):
        began = time.perf_counter()
        done = citywall(*arguments)
        elapsed = time.perf_counter() - began
        assert done.returncode == 0
        assert elapsed < 2.0  # 0.2 s on a quiet machine; this guards against heavy imports, not against noise
    assert citywall("--version").stdout == f"citywall {__version__}\n"


def test_no_command_shows_help(invoke: Any):
    shown = invoke()
    assert shown.exit_code == 0
    assert "Commands:" in shown.output


def test_environment_decides_the_language(invoke: Any):
    assert "命令" in invoke("--help", env={"LC_ALL": "zh_CN.UTF-8"}).output
    assert "命令" in invoke("--help", env={"CITYWALL_LANGUAGE": "zh"}).output
    assert "命令" not in invoke("--lang", "en", "--help", env={"LC_ALL": "zh_CN.UTF-8"}).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "no such command: frobnicate"),
        (["--frobnicate"], "no such option: --frobnicate"),
        (["run"], "missing: PATH..."),
        (["run", "x", "--lang", "fr"], "'fr' is not one of 'en', 'zh'"),
        (["run", "x", "--set", "no.such=1"], "no: no such setting"),
        (["run", "x", "--set", "meter"], "must have the form KEY=VALUE"),
    ],
)
def test_bad_use_is_exit_code_2(invoke: Any, arguments: list[str], said: str):
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_errors_in_chinese(invoke: Any):
    done = invoke("run", "--lang", "zh", "--no-such")
    assert done.stderr.startswith("citywall: 没有这个选项：--no-such")


def test_json_errors_leave_stdout_clean(invoke: Any):
    done = invoke("run", "x", "--json", "--set", "no.such=1")
    assert done.stdout == ""
    assert json.loads(done.stderr.splitlines()[-1])["error"]["exit_code"] == 2


def test_a_busy_folder_is_said_in_a_clear_word(invoke: Any, stand_in: Any, tmp_path: Path):
    stand_in(DataFolderBusy(f"{tmp_path} is in use by process 4711"))
    done = invoke("run", "x.pcap", "--data", str(tmp_path))
    assert done.exit_code == 1
    assert "is in use by process 4711" in done.stderr
    assert "--data" in done.stderr


def test_a_fault_of_ours_shows_no_traceback_unless_asked(invoke: Any, stand_in: Any, tmp_path: Path):
    stand_in(ZeroDivisionError("oops"))
    done = invoke("run", "x.pcap", "--data", str(tmp_path))
    assert done.exit_code == 1
    assert "a fault of Citywall (ZeroDivisionError: oops)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in invoke("run", "x.pcap", "--data", str(tmp_path), "--debug").stderr
    assert "ZeroDivisionError: oops" in (tmp_path / "logs" / "citywall.log").read_text("utf-8")


def test_a_reader_that_leaves_is_no_error_message():
    code = "from console.cli import main; main(['settings', '--plain'] )"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
