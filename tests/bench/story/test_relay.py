from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.story.net import Net
from bench.story.relay import Relay

ASK = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5) as one:
    one.sendall(b"x" * 200_000)
    one.shutdown(socket.SHUT_WR)
    print(sum(len(part) for part in iter(lambda: one.recv(65536), b"")))
"""


def echo(at: socket.socket) -> None:
    with at.accept()[0] as one:
        for part in iter(lambda: one.recv(65536), b""):
            one.sendall(part)


def test_a_namespace_speaks_with_a_server_of_ours(tmp_path: Path):
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    with socket.create_server(("127.0.0.1", 0)) as at:
        port = at.getsockname()[1]
        thread = threading.Thread(target=echo, args=(at,))
        thread.start()
        try:
            with Net() as net, Relay(tmp_path, port, net.inside()):
                asked = subprocess.run(
                    [*net.inside(), sys.executable, "-c", ASK, str(port)],
                    capture_output=True, text=True, check=True, timeout=30,
                )  # fmt: skip
        except BenchError as e:
            socket.create_connection(("127.0.0.1", port)).close()
            pytest.skip(str(e))
        finally:
            thread.join(10)
    assert asked.stdout == "200000\n"
