import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from bench.errors import ServiceFailed
from bench.services.service import Service, free_port, group_alive

SERVER = """\
import signal, socket, subprocess, sys
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"])
print("listening", flush=True)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()[0].close()
"""


class Small(Service):
    """A server with a child, as Elasticsearch has one."""

    name = "small"
    scheme = "tcp"
    least_heap_mib = 1
    manner = "kind"

    def healthy(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _prepare(self):
        return [sys.executable, "-c", self.overrides.get("code", SERVER), str(self.port), self.manner], {}


class Stubborn(Small):
    """One that does not end when it is asked to."""

    manner = "stubborn"


def test_start_kill_restart_on_the_same_port(tmp_path):
    with Small(tmp_path / "new") as service:
        url, group = service.url, service.pid
        with pytest.raises(ServiceFailed, match="runs already"):
            service.start()
        service.kill()
        assert not service.running
        assert not group_alive(group)
        assert service.restart() > 0
        assert (service.url, service.healthy()) == (url, True)
        assert service.pid != group
        group = service.pid
    assert not group_alive(group)
    assert service.tail() == "listening\nlistening"
    service.stop()  # twice is harmless
    with pytest.raises(ServiceFailed, match="not running"):
        _ = service.pid


def test_what_does_not_end_is_killed_with_its_children(tmp_path):
    service = Stubborn(tmp_path)
    service.start()
    service.wait_healthy()
    group = service.pid
    begin = time.monotonic()
    service.stop(limit_s=0.5)
    assert not group_alive(group)
    assert time.monotonic() - begin >= 0.5


def test_children_left_behind_go_too(tmp_path):
    service = Small(tmp_path)
    service.start()
    service.wait_healthy()
    group = service.pid
    os.kill(group, signal.SIGKILL)
    assert group_alive(group)
    service.stop(limit_s=0.5)
    assert not group_alive(group)


def test_a_failed_start_quotes_the_log(tmp_path):
    service = Small(tmp_path, overrides={"code": "raise SystemExit('no disk')"})
    with pytest.raises(ServiceFailed, match="small ended with 1:\nno disk"), service:
        pass


def test_a_start_that_takes_too_long_quotes_the_log(tmp_path):
    code = "import time; print('thinking', flush=True); time.sleep(1000)"
    service = Small(tmp_path, overrides={"code": code})
    service.start()
    group = service.pid
    with pytest.raises(ServiceFailed, match="not healthy after 2 s:\nthinking"):
        service.wait_healthy(limit_s=2)
    service.stop()
    assert not group_alive(group)


@pytest.mark.parametrize(("detached", "lives"), [(False, False), (True, True)])
def test_it_ends_with_who_started_it_unless_detached(tmp_path, detached, lives):
    """Its starter is killed, so that no handler of its own can run."""
    code = textwrap.dedent(f"""
        import os, signal, sys, pathlib
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_service import Small
        service = Small(pathlib.Path({str(tmp_path)!r}), detached={detached})
        service.start()
        service.wait_healthy()
        print(service.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == -signal.SIGKILL, told.stderr
    group = int(told.stdout)
    try:
        deadline = time.monotonic() + (1 if lives else 20)
        while group_alive(group) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert group_alive(group) is lives
    finally:
        if group_alive(group):
            os.killpg(group, signal.SIGKILL)


def test_free_ports_are_free():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert free_port() != port
