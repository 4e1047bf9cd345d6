"""The story under `kill -9`: the service dies at random moments, is started again, and goes on.

People do again what they were not told was done, after they have looked whether it was. In the end everything
stands once: alerts of files as an undisturbed run gives them, what people wrote, each action of each run.
"""

from __future__ import annotations

import queue
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.story.hands import ANALYST, Commands, waiting
from bench.story.house import House, Said, wait
from bench.story.net import ATTACKER, CLIENT, Net
from bench.story.play import PLAYBOOK, TRIGGERED, need, settings
from drills import packets

#: What people do, in order.
STEPS = (
    "alert", "case", "take", "note 0", "start", "note 1", "answer", "approve", "note 2", "finish", "note 3",
    "triage", "handling", "resolved", "close",
)  # fmt: skip
#: Seconds after the beginning of a step within which the service is killed.
_WITHIN_S = 1.5
_TRIES = 60
_PAUSE_S = 0.4
#: How long a service that was killed again and again may take to do what it left, before it stands still.
_PATIENCE_S = 300.0
_SECOND = 1_000_000_000
_START = 1_767_225_600 * _SECOND
#: How long the attacker is kept out: longer than kills and a slow machine can make the steps that follow.
BLOCK_MINUTES = 5
#: Files that come in while it goes on.
FILES = 3


def frames(number: int) -> list[packets.Frame]:
    """A scan by a host of its own, of which nothing else speaks."""
    source, found = f"10.66.0.{number + 1}", []
    for i in range(90):
        frame = packets.tcp_frame(source, f"10.9.{number}.{i + 2}", 40_000 + i, 445, packets.SYN)
        found.append((_START + i * _SECOND // 20, frame))
    return found


class Killer:
    """Kills the service in a thread of its own, at `kills` moments of the steps that people take.

    `moments` are what was being done then, `recovery` the seconds until the service answered again.
    """

    def __init__(self, house: House, kills: int, seed: int, doing: Callable[[], str]) -> None:
        self._house = house
        self._dice = random.Random(seed)  # noqa: S311
        self._plan = Counter(self._dice.choices(STEPS, k=kills))
        self._doing = doing
        self._orders: queue.Queue[None] = queue.Queue()
        self.moments: list[str] = []
        self.recovery: list[float] = []
        self.failure: Exception | None = None
        threading.Thread(target=self._run, name="killer", daemon=True).start()

    def at(self, step: str) -> None:
        """A step begins: what is planned for it is done meanwhile."""
        for _ in range(self._plan.pop(step, 0)):
            self._orders.put(None)

    def check(self) -> None:
        """Raise what stopped it."""
        if self.failure is not None:
            raise self.failure

    def finish(self) -> None:
        """Wait until nothing is left to do."""
        self._orders.join()
        self.check()

    def _run(self) -> None:
        while True:
            self._orders.get()
            try:
                time.sleep(self._dice.uniform(0, _WITHIN_S))
                self._kill()
            except Exception as e:  # noqa: BLE001 (raised by `check`)
                self.failure = e
            finally:
                self._orders.task_done()

    def _kill(self) -> None:
        with self._house.changing:
            self.moments.append(self._doing())
            self._house.end(signal.SIGKILL)
            began = time.monotonic()
            for left in range(_TRIES, -1, -1):
                try:
                    self._house.start_again()
                    break
                except BenchError:  # a command has the folder for a moment, as it may where nobody runs
                    if not left:
                        raise
                    time.sleep(_PAUSE_S)
            self.recovery.append(time.monotonic() - began)


class Killed:
    """One playing of it in `folder` behind `net`."""

    def __init__(
        self, folder: Path, net: Net, *, kills: int, seed: int, more: dict[str, str] | None = None,
        expire: bool = True,
    ) -> None:  # fmt: skip
        self._expire = expire
        self.house = House(folder / "house", {**settings(folder, BLOCK_MINUTES), **(more or {})})
        self.net = net
        self.doing = "begin"
        self.killer = Killer(self.house, kills, seed, lambda: self.doing)
        self.alert = self.case = self.run = ""
        self._hands = Commands(self.house)
        self._seen: set[str] = set()
        self._notes: list[str] = []
        self._over = threading.Event()
        self._folder = folder

    def play(self) -> None:
        """All of it. Raises BenchError where anything is lost or doubled."""
        self.house.start(
            "--interface", self.net.tap, "--set", f'service.triggers={{{TRIGGERED}="rule.id:scan"}}',
            "--set", "service.settle_s=0", inside=self.net.inside(),
        )  # fmt: skip
        attack = threading.Thread(target=self._attack, name="attacker", daemon=True)
        attack.start()
        try:
            self._people()
            self.killer.finish()
        finally:
            self._over.set()
            attack.join()
        self.doing = "end"
        wait(self._files_done, self._stuck, _PATIENCE_S)
        need(self.house.end() == 0, "the service did not stop in good order")
        self.house.start_again()  # what the end of the live session still raised is begun now
        wait(lambda: self._begun().total() >= len(self._scans()), self._stuck, _PATIENCE_S)
        need(self.house.end() == 0, "the service did not stop in good order")
        self._check()

    def _attack(self) -> None:
        """Live traffic without an end: scans, and files into the watched folder."""
        for number in range(10_000):
            if number < FILES:
                path = self._folder / f"{number}.pcap"
                packets.write_pcap(path, frames(number))
                path.rename(self.house.watch / path.name)
            self.net.scan(port=445 + number % 3, pause_s=0.002)
            if self._over.wait(2.0):
                return

    def _people(self) -> None:
        [self.alert] = self._when("alert", self._first)
        self.case = self._when("case", self._of_case)
        self._do("take", lambda: self._hands.take(self.alert), self._taken)
        self._note()
        self.run = self._do("start", lambda: self._hands.start(PLAYBOOK, self.alert), self._own_run)
        self._note()
        self._do("answer", lambda: self._hands.answer(self.run, verdict="malicious"), self._waits("approval"))
        self._do("approve", self._approve, self._waits("manual"))
        self._note()
        reached = self.net.reaches(ATTACKER)
        need(
            not reached or self._action("block")["state"] == "expired",
            "the attacker still reaches the servers",
        )
        need(self.net.reaches(CLIENT), "whoever is protected is cut off, too")
        self._do("finish", lambda: self._hands.answer(self.run), self._ended)
        self._note()
        for status in ("triage", "handling", "resolved"):
            self._do(
                status,
                lambda s=status: self.house.act(ANALYST, "cases", "move", self.case, s, "--text", s),  # type: ignore[misc]
                lambda s=status: self._status() == s,  # type: ignore[misc]
            )
        self._do(
            "close",
            lambda: self.house.act(
                ANALYST, "cases", "close", self.case, "--outcome", "handled", "--text", "over"
            ),
            lambda: self._status() == "closed",
        )
        if self._expire:
            self._when("expiry", lambda: self._action("block")["state"] == "expired", BLOCK_MINUTES * 60 + 60)

    def _when(self, doing: str, found: Callable[[], Any], limit_s: float = _PATIENCE_S) -> Any:
        self.doing = doing
        self.killer.at(doing)
        return wait(found, self._stuck, limit_s)

    def _do(self, doing: str, act: Callable[[], object], done: Callable[[], Any]) -> Any:
        """Do something until it is done, as it is seen; never where it is done already."""
        self.doing = doing
        self.killer.at(doing)
        said = ""
        for _ in range(_TRIES):
            self.killer.check()
            if value := done():
                return value
            try:
                act()
            except (Said, BenchError) as e:
                said = str(e)
                time.sleep(_PAUSE_S)
        raise BenchError(f"{doing} could not be done: {said}")

    def _note(self) -> None:
        """Write a comment, once."""
        text = f"note {len(self._notes)}"
        self._notes.append(text)
        self._do(
            text,
            lambda: self.house.act(ANALYST, "cases", "comment", self.case, "--text", text),
            lambda: text in self._comments(),
        )
        self._seen |= self.house.alerts().keys()

    def _approve(self) -> None:
        waits = [a for a in self.house.run(self.run)["actions"] if a["state"] == "approval"]
        if not waits:
            time.sleep(_PAUSE_S)
            return
        given = ("playbooks", "approve", self.run, "--seen", waits[0]["digest"], "--as")
        self.house.together((*given, "wang"), (*given, "zhao"))

    def _first(self) -> list[str]:
        found = [a for a in self.house.alerts().values() if a.get("source", {}).get("ip") == ATTACKER]
        return [min(found, key=lambda a: a["@timestamp"])["event"]["id"]] if found else []

    def _of_case(self) -> str:
        for case in self.house.read("cases", "list"):
            told = self.house.read("cases", "show", case["id"])[0]
            if any(member["id"] == self.alert for member in told["members"]):
                return str(case["id"])
        return ""

    def _taken(self) -> bool:
        return bool(self.house.read("alerts", "show", self.alert)[0]["workflow"]["owner"] == ANALYST)

    def _own_run(self) -> str:
        own = [r["id"] for r in self.house.read("playbooks", "status") if r["requester"] == ANALYST]
        return str(own[0]) if own else ""

    def _waits(self, state: str) -> Callable[[], bool]:
        return lambda: [s for _, s in waiting(self.house, self.run)] == [state]

    def _ended(self) -> bool:
        return bool(self.house.run(self.run)["status"] == "completed")

    def _status(self) -> str:
        return str(self.house.read("cases", "show", self.case)[0]["status"])

    def _comments(self) -> list[str]:
        steps = self.house.read("cases", "show", self.case)[0]["history"]
        return [step["text"] for step in steps if step["what"] == "comment"]

    def _action(self, name: str) -> dict[str, Any]:
        [found] = [a for a in self.house.run(self.run)["actions"] if a["action"] == name]
        action: dict[str, Any] = found
        return action

    def _stuck(self) -> str:
        self.house.dump()
        return self.house.told()

    def _files_done(self) -> bool:
        files = (self.house.status().get("service") or {}).get("files", {})
        return bool(files.get("done") == FILES)

    def _check(self) -> None:
        """Nothing lost, nothing doubled."""
        alerts = self.house.alerts()
        need(self._seen <= alerts.keys(), f"alerts are gone: {self._seen - alerts.keys()}")
        self._check_files(alerts)
        need(
            sorted(c for c in self._comments() if c.startswith("note ")) == sorted(self._notes),
            f"{self._comments()} in the case, not {self._notes}",
        )
        # The last ones may still be asked for.
        wait(lambda: self._begun().keys() >= self._scans(), self._stuck, _PATIENCE_S)
        own, scans = self._begun(), self._scans()
        need(own == Counter(scans), f"playbooks were begun {own} for {scans}")
        need(len(self._action("block")["approvals"]) == 1, "one approval was needed, and counts")
        [verified] = self.house.read("audit", "verify")
        need(verified["ok"], f"the audit log is not whole: {verified}")
        self._check_actions()

    def _begun(self) -> Counter[str]:
        """Runs that the service began by itself, by alert."""
        runs = self.house.read("playbooks", "status", "--limit", "10000")
        return Counter(r["alert"] for r in runs if r["requester"] == "citywall")

    def _scans(self) -> set[str]:
        return {name for name, a in self.house.alerts().items() if a["rule"]["id"] == "scan"}

    def _check_files(self, alerts: dict[str, dict[str, Any]]) -> None:
        plain = House(self._folder / "plain")
        plain.read("run", *sorted(self.house.watch.glob("*.pcap")), "--quiet", "--set", "register=example")
        wanted = plain.alerts()
        found = {name: alerts[name] for name in wanted if name in alerts}
        for told in (*wanted.values(), *found.values()):
            told["event"].pop("ingested")
        need(found == wanted and len(wanted) == FILES, f"{found.keys()} of {wanted.keys()} came of files")

    def _check_actions(self) -> None:
        """Each step of each run acted once, whatever was begun; what was said to be undone does not count."""
        records = self.house.audit()
        undone = {r["object"] for r in records if r["action"] == "playbooks.uncommitted"}
        acted = Counter(
            (r["object"], r["detail"]["unit"])
            for r in records
            if r["action"] == "playbooks.acted" and f"record:{r['n']}" not in undone
        )
        twice = {key: n for key, n in acted.items() if n != 1}
        need(acted and not twice, f"actions were done more than once: {twice}")
