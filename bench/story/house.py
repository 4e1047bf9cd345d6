"""A data folder with accounts, its service, and what people do with commands."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError
from citywall.settings import load
from console import signin
from console.service import protocol
from trust import chain
from trust.accountfile import AccountFile
from trust.accounts import Accounts
from trust.audit import AuditLog
from trust.passwords import Passwords

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "a long enough one 7"  # noqa: S105 (of people who live for a story)
PEOPLE = {"ann": ["analyst"], "wang": ["approver"], "zhao": ["approver"]}
_LIMIT_S = 240.0
#: How long a service may take to start on a busy machine.
_START_S = 300.0
T = TypeVar("T")


class Said(BenchError):
    """A command ended with another code than it should; `complaint` is what it said on standard error."""

    def __init__(self, arguments: tuple[str, ...], code: int, complaint: str) -> None:
        super().__init__(f"citywall {shlex.join(arguments)}: exit {code}\n{complaint}")
        self.code = code
        self.complaint = complaint


def wait(found: Callable[[], T], why: Callable[[], str] = str, limit_s: float = 90.0) -> T:
    """What is found, as soon as it is anything; raises BenchError saying `why` where it does not come."""
    deadline = time.monotonic() + limit_s
    while not (value := found()):
        if time.monotonic() > deadline:
            raise BenchError(f"nothing after {limit_s:.0f} s: {why()}")
        time.sleep(0.1)
    return value


class House:
    """A data folder with people; `settings` hold for every command. The service can be killed by anybody."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.watch = folder / "in"
        self.watch.mkdir(parents=True)
        self.log = folder / "up.log"
        self.settings = dict(settings or {})
        self.process: subprocess.Popen[str] | None = None
        self.changing = threading.RLock()  # who starts, stops or kills the service
        self._up: list[str] = []
        self._inside: tuple[str, ...] = ()
        self._make_people()

    def _make_people(self) -> None:
        settings, hashing = load(None, {}), Passwords(memory_kib=64, passes=1, lanes=1)
        with AuditLog(self.data / chain.FOLDER) as log:
            accounts = Accounts(AccountFile(self.data), log, settings.accounts, hashing=hashing)
            accounts.init(signin.local(), "root1", PASSWORD)
            root = accounts.login("root1", PASSWORD, "setting up")
            for name, roles in PEOPLE.items():
                _, first = accounts.add(root, name, roles)
                accounts.passwd(name, first, PASSWORD, "setting up")

    @property
    def environment(self) -> dict[str, str]:
        """What commands run in: settings as variables."""
        names = {f"CITYWALL_{key.upper().replace('.', '__')}": text for key, text in self.settings.items()}
        return {
            **os.environ,
            **names,
            "CITYWALL_DATA": str(self.data),
            "NO_COLOR": "1",
            "PYTHONFAULTHANDLER": "1",
        }

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line of a command: where the service runs, for without one it acts itself."""
        return [*self._inside, sys.executable, "-m", "console", *map(str, arguments)]

    def start(self, *more: str, inside: tuple[str, ...] = ()) -> None:
        """Start the service and wait until it answers; `inside` enters where it, and all commands, run."""
        self._inside = inside
        self._up = [*self.command("up", "--watch", self.watch), *more]
        self.start_again()

    def start_again(self) -> None:
        """Start the service as it was started before."""
        with self.changing:
            with self.log.open("a") as out:
                self.process = subprocess.Popen(
                    self._up, stdout=out, stderr=out, text=True, cwd=ROOT, env=self.environment
                )
            wait(self.answers, self.told, _START_S)

    def answers(self) -> bool:
        """Whether the service takes connections; raises BenchError where it has ended."""
        if self.process is None or self.process.poll() is not None:
            raise BenchError(f"the service has ended:\n{self.told()}")
        connection = protocol.connect(self.data)
        if connection is not None:
            connection.close()
        return connection is not None

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the service a signal and wait for its end."""
        with self.changing:
            process, self.process = self.process, None
            if process is None:
                raise BenchError("the service does not run")
            process.send_signal(number)
            return process.wait(_LIMIT_S)

    def dump(self) -> None:
        """Have a service that stands still say where: its threads' stacks go into its log. It ends."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(30)

    def close(self) -> None:
        """End the service, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def told(self) -> str:
        """What is known of the service."""
        files = (self.data / "status.json", self.log, self.data / "logs" / "citywall.log")
        return "\n".join(file.read_text("utf-8")[-6000:] for file in files if file.exists())

    def status(self) -> dict[str, Any]:
        """How the service fares; empty while it has not said."""
        try:
            found: dict[str, Any] = json.loads((self.data / "status.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def listens(self) -> bool:
        """Whether it captures from its interface."""
        return any(not sensor["ended"] for sensor in self.status().get("sensors", ()))

    def read(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """The objects that a command prints, a line each. Raises Said."""
        given = (*map(str, arguments), "--json")
        done = subprocess.run(
            self.command(*given), check=False, capture_output=True, text=True, cwd=ROOT,
            env=self.environment, timeout=_LIMIT_S,
        )  # fmt: skip
        if done.returncode:
            raise Said(given, done.returncode, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def acting(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """A command that asks for a password, begun."""
        return subprocess.Popen(
            self.command(*arguments, "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=ROOT, env=self.environment,
        )  # fmt: skip

    def act(self, who: str, *arguments: str | Path) -> dict[str, Any]:
        """What a command says that somebody with a password gave. Raises Said."""
        given = (*map(str, arguments), "--as", who)
        process = self.acting(*given)
        out, err = process.communicate(PASSWORD + "\n", timeout=_LIMIT_S)
        if process.returncode:
            raise Said(given, process.returncode, err)
        found: dict[str, Any] = json.loads(out)
        return found

    def together(self, first: tuple[str, ...], second: tuple[str, ...]) -> list[tuple[int, str]]:
        """Exit code and complaint of two commands of two people, at once."""
        both = [self.acting(*given) for given in (first, second)]
        said = [process.communicate(PASSWORD + "\n", timeout=_LIMIT_S) for process in both]
        return [(process.returncode, err) for process, (_, err) in zip(both, said, strict=True)]

    def alerts(self, lane: str = "live") -> dict[str, dict[str, Any]]:
        """Every alert of a lane by id."""
        found = self.read("alerts", "--limit", "100000")
        return {a["event"]["id"]: a for a in found if a["citywall"]["lane"] == lane}

    def run(self, run: str) -> dict[str, Any]:
        """A playbook run as it is."""
        return self.read("playbooks", "status", run)[0]

    def audit(self) -> list[dict[str, Any]]:
        """Every record of the audit log, oldest first."""
        return sorted(self.read("audit", "list", "--limit", "100000"), key=lambda record: record["n"])
