"""Three network namespaces of our own: somebody outside, the gate that the service runs on, servers behind.

What the gate's nftables drop is dropped on a real path: outside and servers speak through it, by TCP.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import uuid
from types import TracebackType
from typing import Self

from bench.errors import BenchError

#: Who attacks, who is somebody's own, and the servers (those of the example register's cloud).
ATTACKER, CLIENT = "192.0.2.140", "198.51.100.7"
SERVERS, SERVER = "10.20.100.0/24", "10.20.100.10"
PORT = 443
HOSTS = 90
_SETTINGS = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
_SERVE = f"""
import socket
at = socket.create_server(("0.0.0.0", {PORT}))
print("ready", flush=True)
while True:
    with at.accept()[0] as one:
        one.settimeout(2)
        try:
            one.sendall(one.recv(99))
        except OSError:
            pass
"""
_SPEAK = """
import socket, sys
try:
    to = (sys.argv[2], int(sys.argv[3]))
    with socket.create_connection(to, float(sys.argv[4]), (sys.argv[1], 0)) as one:
        one.sendall(b"hello")
        sys.exit(one.recv(9) != b"hello")
except OSError:
    sys.exit(1)
"""
#: Connects to a port of many hosts, one every so many seconds, as scanners do.
_SCAN = """
import socket, sys, time
source, prefix, first, last, port, pause = sys.argv[1:]
held = []
for i in range(int(first), int(last)):
    one = socket.socket()
    one.setblocking(False)
    one.bind((source, 0))
    one.connect_ex((f"{prefix}{i}", int(port)))
    held.append(one)
    time.sleep(float(pause))
time.sleep(0.2)
"""


def scanned(hosts: int = HOSTS) -> list[str]:
    """The servers that a scan looks at."""
    prefix = SERVERS.rpartition(".")[0]
    return [f"{prefix}.{i}" for i in range(2, hosts + 2)]


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Net:
    """The namespaces, from `__enter__` to `__exit__`. Needs Linux and root; raises BenchError."""

    def __init__(self) -> None:
        name = uuid.uuid4().hex[:6]
        self.outside, self.gate, self.servers = (f"cw{kind}-{name}" for kind in ("o", "g", "s"))
        self.tap, self._inner = f"cwa{name}", f"cwb{name}"
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make(self) -> None:
        for space in (self.outside, self.gate, self.servers):
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            for setting in _SETTINGS:
                subprocess.run(
                    ["ip", "netns", "exec", space, "sysctl", "-qw", setting], check=True, capture_output=True
                )
        for near, far in ((self.tap, self.outside), (self._inner, self.servers)):
            ends = ("link", "add", near, "netns", self.gate, "type", "veth", "peer", "name", "eth0")
            _ip(*ends, "netns", far)
        for space, end in (
            (self.gate, self.tap), (self.gate, self._inner), (self.outside, "eth0"), (self.servers, "eth0")
        ):  # fmt: skip
            _ip("-n", space, "link", "set", end, "up")
        for space, address, end in (
            (self.gate, "192.0.2.1/24", self.tap), (self.gate, "10.255.0.1/30", self._inner),
            (self.outside, f"{ATTACKER}/24", "eth0"), (self.outside, f"{CLIENT}/32", "eth0"),
            (self.servers, "10.255.0.2/30", "eth0"),
        ):  # fmt: skip
            _ip("-n", space, "address", "add", address, "dev", end)
        _ip("-n", self.gate, "route", "add", f"{CLIENT}/32", "dev", self.tap)
        _ip("-n", self.gate, "route", "add", SERVERS, "via", "10.255.0.2")
        _ip("-n", self.outside, "route", "add", "default", "via", "192.0.2.1")
        _ip("-n", self.servers, "route", "add", "default", "via", "10.255.0.1")
        _ip("-n", self.servers, "route", "add", "local", SERVERS, "dev", "lo")  # every host of the prefix
        self._server = subprocess.Popen(self._python(self.servers, _SERVE), stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        if self._server.stdout.readline() != "ready\n":
            raise BenchError("the server behind the gate does not start")

    @staticmethod
    def _python(space: str, code: str, *arguments: str) -> list[str]:
        return ["ip", "netns", "exec", space, sys.executable, "-I", "-S", "-c", code, *arguments]

    def inside(self) -> tuple[str, ...]:
        """What a command begins with that is to run on the gate."""
        return ("ip", "netns", "exec", self.gate)

    def reaches(self, source: str, target: str = SERVER, port: int = PORT, patience_s: float = 1.5) -> bool:
        """Whether a connection from an outside address gets an answer."""
        code = self._python(self.outside, _SPEAK, source, target, str(port), str(patience_s))
        return subprocess.run(code, check=False, capture_output=True).returncode == 0

    def scan(
        self, source: str = ATTACKER, *, port: int = 445, hosts: int = HOSTS, pause_s: float = 0.005
    ) -> None:
        """Look for a port on many servers; returns when it is over."""
        prefix = SERVERS.rpartition(".")[0] + "."
        arguments = (source, prefix, "2", str(hosts + 2), str(port), str(pause_s))
        subprocess.run(self._python(self.outside, _SCAN, *arguments), check=True)

    def blocked(self) -> str:
        """What the gate's table of ours holds, in nft's words; empty where there is none or no nft."""
        try:
            done = subprocess.run(
                [*self.inside(), "nft", "list", "table", "inet", "citywall"],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
        except FileNotFoundError:
            return ""
        return done.stdout

    def close(self) -> None:
        """Take everything away."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            if self._server.stdout is not None:
                self._server.stdout.close()
        for space in (self.outside, self.gate, self.servers):
            with contextlib.suppress(BenchError):
                _ip("netns", "del", space)
