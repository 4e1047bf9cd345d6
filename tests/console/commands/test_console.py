"""The whole program in a terminal of its own, with real keys; and what needs no terminal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def data(tmp_path: Path, real_alerts: Any, real_flows: Any) -> Path:
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(12))
    store.close()
    real_flows(tmp_path, 4)
    return tmp_path


def test_it_needs_a_terminal_and_a_view_there_is(invoke: Any, data: Path):
    done = invoke("console", "--data", str(data))
    assert (done.exit_code, "needs a terminal" in done.stderr) == (2, True)
    done = invoke("console", "--data", str(data / "absent"))
    assert (done.exit_code, "there is no data" in done.stderr) == (1, True)


def test_where_it_begins():
    from citywall.errors import CitywallError
    from console.commands.console import begin_at
    from console.terminal import Terminal

    look = Terminal("en")
    assert begin_at((), look) == ("overview", "")
    assert begin_at(("al", "severity>=high", "port:22"), look) == ("alerts", "severity>=high port:22")
    for words in (("nonsense",), ("alerts", "severity>=("), ("host", "portal")):
        with pytest.raises(CitywallError):
            begin_at(words, look)


@pytest.mark.parametrize("arguments", [["--version"], ["alerts", "--help"], ["console", "--help"]])
def test_other_commands_do_not_load_textual(arguments: list[str]):
    code = (
        "import sys\nfrom console.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'textual'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


class Tmux:
    """A terminal that is looked at and typed into."""

    def __init__(self, data: Path) -> None:
        self._name = f"citywall-{uuid.uuid4().hex[:8]}"
        command = [
            sys.executable,
            "-m",
            "console",
            "console",
            "--data",
            str(data),
            "--set",
            "register=example",
        ]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("TMUX", "LC_", "LANG", "NO_COLOR"))
        }
        self._environment = environment | {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        # The server's own size too: a program that starts before the session has its size sees that.
        size = ("start-server", ";", "set-option", "-g", "default-size", "110x30", ";")
        session = ("new-session", "-d", "-s", "it", "-x", "110", "-y", "30", "-c", str(ROOT))
        self._tmux("-u", *size, *session, *command)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._name, *arguments],
            capture_output=True, text=True, env=self._environment, encoding="utf-8", check=False,
        )  # fmt: skip
        return done.stdout

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", "-t", "it", *keys)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "it")

    def until(self, *said: str) -> str:
        return self.reached(lambda screen: all(words in screen for words in said), said)

    def reached(self, condition: Callable[[str], bool], what: object) -> str:
        limit = time.monotonic() + 60
        while not condition(screen := self.screen()):
            assert time.monotonic() < limit, f"{what} never came:\n{screen}"
            time.sleep(0.05)
        return screen

    def close(self) -> None:
        self._tmux("kill-server")


@pytest.fixture
def tmux(data: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed: the whole program is not tried in a terminal")
    made = Tmux(data)
    yield made
    made.close()


def test_the_whole_program_with_real_keys(tmux: Tmux, data: Path, real_alerts: Any):
    tmux.until("Citywall 一城墙", "Alerts  12", "One port on many hosts")
    tmux.keys("2")
    tmux.until("1-12 of 12")
    tmux.keys("/")
    tmux.keys("-l", "severity>=high")
    tmux.keys("Enter")
    tmux.until("1-4 of 4")
    tmux.keys("Enter")
    tmux.until("Why it fired", "市政府办公室")
    tmux.keys("L")
    tmux.until("为何触发", "来源、目标与归属")
    tmux.keys("t")
    tmux.until("主机", "门户网站服务器", "共 4 条")
    tmux.keys("Escape")
    tmux.until("为何触发")
    tmux.keys("Escape")
    tmux.until("第 1-4 条")
    store = open_store("sqlite://", data)
    store.upsert(real_alerts(1, first=103))  # severe, while it runs
    tmux.until("第 1-5 条", "192.0.2.104")
    store.close()
    tmux.keys("e")
    tmux.until("导出到")
    tmux.keys("C-u")
    tmux.keys("-l", str(data / "out.jsonl"))
    tmux.keys("Enter")
    out = data / "out.jsonl"
    tmux.reached(lambda _: out.exists() and len(out.read_text("utf-8").splitlines()) == 5, "the export")
    assert {json.loads(line)["event"]["severity"] for line in out.read_text("utf-8").splitlines()} == {4, 5}
    tmux.keys("C-q")
    tmux.reached(lambda screen: not screen.strip(), "the end")
