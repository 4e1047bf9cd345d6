"""A world in which every effect is counted, and playbooks written for tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from citywall.settings import Settings, load
from playbooks.actions import registry
from playbooks.actions.base import Action, Plan, Result, Unit, World
from playbooks.actions.block import Block
from playbooks.actions.note import Note
from playbooks.desk import Desk
from playbooks.library import Library
from playbooks.runfile import RunFile
from trust.accountfile import AccountFile
from trust.accounts import Accounts
from trust.audit import AuditLog
from trust.passwords import Passwords

ROOT = Path(__file__).resolve().parents[2]
MINUTE = 60 * 10**9
HEAD = """\
id: {id}
name: {{en: Test, zh: 测试}}
created: 2026-11-01T00:00:00Z
modified: 2026-11-01T00:00:00Z
playbook_variables:
  __source_ip__: {{type: string, external: true, value: 192.0.2.7}}
  __severity__: {{type: integer, external: true, value: 3}}
  __answer__: {{type: string, value: none}}
  __rounds__: {{type: integer, value: 0}}
workflow:
"""


class Clock:
    """A clock that moves a millisecond at every look, and when it is told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * 10**9

    def __call__(self) -> int:
        self.now += 10**6
        return self.now

    def pass_(self, minutes: float) -> None:
        self.now += int(minutes * MINUTE)


class Kernel:
    """Blocks as the kernel would hold them, and notes as cases would: what took effect, how often."""

    def __init__(self) -> None:
        self.blocked: dict[str, int] = {}
        self.done: list[tuple[str, str]] = []  # (what, key)
        self.undone: list[str] = []
        self.notes: dict[str, str] = {}
        self.around: Callable[[str], None] = lambda _: None  # called before and after each effect

    def note(self, case: str, key: str, text: str, by: str) -> None:
        self.around("before")
        self.done.append(("note", key))
        self.notes[key] = text
        self.around("after")

    def noted(self, case: str, key: str) -> bool:
        return key in self.notes


class FakeBlock(Block):
    """As the real one, on `kernel` in place of the machine's."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def plan(self, unit: Unit, world: World) -> Plan:
        return super().plan(unit, world)

    def seen(self, unit: Unit, world: World) -> Result | None:
        until = self.kernel.blocked.get(unit.command.address)
        return None if until is None else self._result(unit, until)

    def act(self, unit: Unit, world: World) -> Result:
        self.kernel.around("before")
        minutes = int(unit.command.minutes or world.settings.playbooks.block_minutes)
        until = unit.now + minutes * MINUTE
        self.kernel.blocked[unit.command.address] = max(
            until, self.kernel.blocked.get(unit.command.address, 0)
        )
        self.kernel.done.append(("block", unit.key))
        self.kernel.around("after")
        return self._result(unit, until)

    def undo(self, unit: Unit, result: Result, world: World) -> None:
        self.kernel.around("before")
        if self.kernel.blocked.pop(unit.command.address, None) is not None:
            self.kernel.undone.append(unit.key)
        self.kernel.around("after")

    @staticmethod
    def _result(unit: Unit, until: int) -> Result:
        return Result({"blocked": unit.command.address}, until, {"prefix": unit.command.address})


class Blind(Note):
    """Notes of which nobody can see whether they are there."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def seen(self, unit: Unit, world: World) -> Result | None:
        return Action.seen(self, unit, world)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Effects of this test; blocks do not reach the machine."""
    made = Kernel()
    fake = FakeBlock(made)
    monkeypatch.setitem(registry._BY_NAME, "block", fake)
    monkeypatch.setitem(registry._BY_TYPE, Block.command, fake)
    return made


class House:
    """A data folder with accounts, and playbooks of its own."""

    def __init__(self, root: Path, kernel: Kernel, clock: Clock, settings: Settings) -> None:
        self.root, self.kernel, self.clock, self.settings = root, kernel, clock, settings
        self.data, self.books = root / "data", root / "books"
        self.books.mkdir(parents=True, exist_ok=True)
        self.alerts: dict[str, dict[str, Any]] = {}
        self.log: AuditLog | None = None
        self.open()

    def open(self) -> None:
        """Open everything anew, as after a crash."""
        if self.log is not None:
            self.log.close()
        self.log = AuditLog(self.data / "audit", clock=self.clock)
        hashing = Passwords(memory_kib=64, passes=1, lanes=1)
        self.accounts = Accounts(
            AccountFile(self.data), self.log, self.settings.accounts, hashing=hashing, clock=self.clock
        )
        world = World(self.data, self.settings, cases=self.kernel, alert=self.alerts.get)
        self.file = RunFile(self.data)
        self.desk = Desk(self.file, self.accounts, Library([self.books]), world, clock=self.clock)

    def people(self) -> None:
        """root, and li (analyst), wang and zhao (approvers)."""
        from citywall.permissions import LOCAL, Identity

        first = "Correct-Horse-9"
        self.accounts.init(Identity("os", (LOCAL,)), "root", first)
        root = self.accounts.login("root", first, "test")
        roles = {"li": ["analyst"], "wang": ["approver"], "zhao": ["approver"], "sun": ["viewer"]}
        for name, held in roles.items():
            _, given = self.accounts.add(root, name, held)
            self.accounts.passwd(name, given, "Battery-Staple-8", "test")
            setattr(self, name, self.accounts.login(name, "Battery-Staple-8", "test"))

    def write(self, workflow: str, id_: str = "test", head: str = HEAD) -> Path:
        """A playbook of its own."""
        path = self.books / f"{id_}.yaml"
        path.write_text(head.format(id=id_) + workflow, "utf-8")
        return path

    def actions(self) -> list[tuple[str, str]]:
        """(action, outcome) of every audit record about playbooks."""
        from trust import chain

        records = chain.search(chain.files_in(self.data / "audit"), lambda _: True, 0).records
        return [(r.action, r.outcome) for r in records if r.action.startswith("playbooks.")]


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what is flushed here need not outlive the machine."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_house(quick_path: Path, kernel: Kernel, clock: Clock) -> Iterator[Callable[..., House]]:
    """`make_house("playbooks.protected=…", …)`: a house with people in it."""
    made: list[House] = []

    def make(*assignments: str, at: str = "house") -> House:
        house = House(quick_path / at, kernel, clock, load(environment={}, assignments=assignments))
        house.people()
        made.append(house)
        return house

    yield make
    for house in made:
        if house.log is not None:
            house.log.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house('playbooks.protected=["198.51.100.0/24", "2001:db8:aa::/48"]')


@pytest.fixture
def blind(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> Blind:
    """Notes cannot be seen in this test."""
    made = Blind(kernel)
    monkeypatch.setitem(registry._BY_NAME, "note", made)
    monkeypatch.setitem(registry._BY_TYPE, Note.command, made)
    return made


class Space:
    """A network namespace; `run` gives what a piece of Python printed in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, code: str) -> str:
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", textwrap.dedent(code)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pings(self, target: str) -> bool:
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", _CONNECT, target]
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


#: A datagram to itself through the address: what comes back was let pass.
_CONNECT = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as one:
    one.bind((sys.argv[1], 0))
    one.settimeout(0.3)
    try:
        one.sendto(b"x", one.getsockname())
        one.recv(9)
    except OSError:
        sys.exit(1)
"""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@pytest.fixture(scope="session")
def space() -> Iterator[Space]:
    """Skips where none can be made, or the kernel has no nftables."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    name = f"cwnft-{uuid.uuid4().hex[:8]}"
    try:
        _ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as e:
        pytest.skip(f"no network namespace can be made here: {e}")
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        for address in ("192.0.2.1/32", "192.0.2.2/32", "198.51.100.5/32"):
            _ip("-n", name, "address", "add", address, "dev", "lo")
        for address in ("2001:db8::1/128", "2001:db8:1::5/128"):
            _ip("-n", name, "address", "add", address, "dev", "lo")
        made = Space(name)
        code = "from playbooks.nftables import table as t; t.block(t.ipaddress.ip_network('203.0.113.1'), 1)"
        try:
            made.run(code)
        except AssertionError as e:
            pytest.skip(f"no nftables here: {e}")
        yield made
    finally:
        _ip("netns", "del", name)
