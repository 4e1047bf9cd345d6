from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from citywall.settings import Settings
from console.commands import run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def finished(stand_in: Any, report: Any, session: Any, snapshot: Any, make_alert: Any) -> Any:
    """A run over one capture with two alerts, as the stream would give it."""
    snapshots = (
        snapshot(seconds=0.0, bytes_done=0, packets=0),
        snapshot(seconds=2.0, new_alerts=[make_alert(1, 4), make_alert(2, 3)]),
    )
    return stand_in(report(session()), snapshots)


def test_plain_output(invoke: Any, finished: Any, tmp_path: Path):
    done = invoke("run", "office.pcap", "--data", str(tmp_path))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:2] == [
        "2024-05-01T12:00:03.000000000Z HIGH Port scan  10.0.0.5 -> 10.0.1.0/24",
        "2024-05-01T12:00:03.000000000Z MED  Port scan  10.0.0.5 -> 10.0.1.0/24",
    ]
    assert "  HIGH 1   MED  1" in done.stdout.splitlines()
    assert "1/2 captures/office.pcap  0%  packets 0" in done.stderr
    assert "\x1b" not in done.output


def test_json_is_exactly_one_object_on_stdout(invoke: Any, finished: Any, tmp_path: Path):
    done = invoke("run", "office.pcap", "--data", str(tmp_path), "--json")
    told = json.loads(done.stdout)
    assert set(told) >= {
        "packets", "bytes", "flows", "events", "findings", "alerts", "decode_errors", "seconds",
        "peak_memory", "sessions",
    }  # fmt: skip
    assert told["seconds"] == {"capture": 0.5, "detect": 0.25, "total": 2.0}
    assert told["peak_memory"] == 321_000_000
    assert told["sessions"] == [
        {
            "path": "captures/office.pcap", "id": "s1", "packets": 41_000, "bytes": 12_300_000, "flows": 900,
            "alerts": 2, "errors": {}, "refused": None, "same_as": None, "damaged": False, "places": {},
        }
    ]  # fmt: skip
    assert "0%  packets 0" in done.stderr
    assert "  packets 41,000" in done.stderr  # the summary


def test_quiet(invoke: Any, finished: Any, tmp_path: Path):
    assert invoke("run", "a.pcap", "--data", str(tmp_path), "--quiet").output == ""
    told = invoke("run", "a.pcap", "--data", str(tmp_path), "-q", "--json")
    assert told.stderr == ""
    assert json.loads(told.stdout)["packets"] == 41_000


def test_chinese(invoke: Any, finished: Any, tmp_path: Path):
    done = invoke("run", "a.pcap", "--data", str(tmp_path), "--lang", "zh")
    assert "高危 端口扫描" in done.stdout
    assert "下一步" in done.stdout
    assert "高危" in invoke("run", "a.pcap", "--data", str(tmp_path), "--set", "language=zh").stdout


def test_what_the_stream_is_given(invoke: Any, finished: Any, tmp_path: Path):
    invoke(
        "run", "a.pcap", "b.log", "--data", str(tmp_path), "--home", "10.0.0.0/8, 2001:db8::/32",
        "--no-detectors", "--set", "meter.idle_timeout_s=30",
    )  # fmt: skip
    paths, data, settings = finished[0]
    assert paths == [Path("a.pcap"), Path("b.log")]
    assert data == tmp_path
    assert settings.home == ("10.0.0.0/8", "2001:db8::/32")
    assert not settings.use_detectors
    assert settings.meter.idle_timeout_s == 30


def test_a_bad_home_network_names_the_key(invoke: Any, finished: Any, tmp_path: Path):
    done = invoke("run", "a.pcap", "--data", str(tmp_path), "--home", "10.0.0.1/8")
    assert done.exit_code == 2
    assert "home" in done.stderr


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, 0),
        ({"errors": {"tcp_header_truncated": 9}}, 0),
        ({"errors": {"record_truncated": 1}}, 1),
        ({"errors": {"corrupt_record_length": 1}}, 1),
        ({"errors": {"compressed_stream_truncated": 1}}, 1),
        ({"refused": "a.pcap: No such file or directory"}, 1),
    ],
)
def test_exit_code_tells_whether_everything_was_read(
    invoke: Any, stand_in: Any, report: Any, session: Any, tmp_path: Path, more: dict[str, Any], code: int
):
    stand_in(report(session("whole.pcap", alerts=0), session("a.pcap", alerts=0, **more)))
    done = invoke("run", "whole.pcap", "a.pcap", "--data", str(tmp_path))
    assert done.exit_code == code
    if "refused" in more:
        assert "citywall: a.pcap: No such file or directory" in done.stderr.splitlines()


def test_ctrl_c_says_what_was_kept(invoke: Any, stand_in: Any, tmp_path: Path):
    stand_in(KeyboardInterrupt())
    done = invoke("run", "a.pcap", "--data", str(tmp_path))
    assert done.exit_code == 130
    assert f"kept in {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


def test_counts_of_a_resumed_run_come_from_the_store(
    report: Any, session: Any, make_alert: Any, tmp_path: Path
):
    from alerts.store import open_store
    from console.display.state import RunState

    store = open_store("sqlite://", tmp_path)
    store.upsert([make_alert(1, 4), make_alert(2, 3), make_alert(3, 4, rule="flood")])
    store.close()
    grades, rules = run.count_alerts(report(session(alerts=3)), RunState("en"), Settings(), tmp_path)
    assert grades == {4: 2, 3: 1}
    assert rules == {"scan": 2, "flood": 1}


FAKE = """
import signal, sys, time, types
# Who runs the tests in the background has interrupts ignored, and so has whatever is started there.
signal.signal(signal.SIGINT, signal.default_int_handler)
from stream.reports import Progress, RunReport, SessionReport
ALERT = {alert!r}
def run_paths(paths, data, settings, observe):
    for n in range({steps}):
        observe(Progress(session=1, sessions=1, path=str(paths[0]), bytes_done=n, bytes_total={steps},
                         packets=n * 10, alerts=1, new_alerts=[ALERT], seconds=n / 10))
        time.sleep(0.02)
    report = RunReport()
    report.add(SessionReport(str(paths[0]), "s1", 1000, 100_000, alerts=1))
    return report
module = types.ModuleType("stream.runner")
module.run_paths = run_paths
sys.modules["stream.runner"] = module
from console.cli import main
main()
"""


def on_a_terminal(
    arguments: list[str], alert: Any, env: dict[str, str], interrupt: bool = False
) -> tuple[str, int]:
    """Run a command line on a pseudo-terminal of 60 by 24; what it wrote, and its exit code."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    steps = 1200 if interrupt else 100  # who interrupts may come late on a busy machine
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-c", FAKE.format(alert=alert, steps=steps), *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT,
        env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            written += piece
        if interrupt and b"Port scan" in written:
            process.send_signal(signal.SIGINT)
            interrupt = False
    code = process.wait(timeout=10)
    os.close(ours)
    return written.decode("utf-8", "replace"), code


def test_live_display_on_a_terminal(make_alert: Any, tmp_path: Path):
    shown, code = on_a_terminal(["run", "a.pcap", "--data", str(tmp_path)], make_alert(), {})
    assert code == 0
    assert "\x1b[31mHIGH\x1b[0m" in shown
    assert "\x1b[42m" in shown  # the bar
    assert "packets/s" in shown
    assert shown.count("Port scan") == 1
    assert "Next" in shown
    assert "\x1b[?25h" in shown  # the cursor is back


def test_no_color_on_a_terminal(make_alert: Any, tmp_path: Path):
    shown, _ = on_a_terminal(["run", "a.pcap", "--data", str(tmp_path)], make_alert(), {"NO_COLOR": "1"})
    assert "\x1b[31m" not in shown
    assert "\x1b[42m" not in shown
    assert "#" in shown
    assert "HIGH" in shown


def test_plain_on_a_terminal_has_no_control_codes(make_alert: Any, tmp_path: Path):
    shown, _ = on_a_terminal(["run", "a.pcap", "--data", str(tmp_path), "--plain"], make_alert(), {})
    assert "\x1b" not in shown
    assert "HIGH" in shown


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(make_alert: Any, tmp_path: Path):
    shown, code = on_a_terminal(["run", "a.pcap", "--data", str(tmp_path)], make_alert(), {}, interrupt=True)
    assert code == 130
    assert "Stopped." in shown
    assert "\x1b[?25h" in shown
    assert "Traceback" not in shown
