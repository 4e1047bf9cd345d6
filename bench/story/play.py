"""The story: an attack from outside, what people do about it, what it comes to, and what is told of the day.

Each chapter raises BenchError where something is not as it must be.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.story.hands import ANALYST, Hands, waiting
from bench.story.house import PEOPLE, ROOT, House, wait
from bench.story.net import ATTACKER, CLIENT, SERVER, Net, scanned
from bench.story.recount.comparing import differences
from bench.story.recount.facts import ZONE, Facts, Json
from bench.story.recount.places import Places

PLAYBOOK = "short-block"
TRIGGERED = "contain-scan"
#: What is never blocked.
PROTECTED = (f"{CLIENT}/32", f"{SERVER}/32")
_BLOCK_S = 60
_NET = {"register": "example", "playbooks.protected": json.dumps(PROTECTED)}


def need(condition: object, why: object) -> None:
    """Raise BenchError with `why` where something is not so."""
    if not condition:
        raise BenchError(str(why))


def settings(folder: Path, minutes: int = 1) -> dict[str, str]:
    """Settings of a house for the story, with a playbook of its own: as one that ships, for so long."""
    books = folder / "books"
    books.mkdir(parents=True)
    text = (ROOT / "playbooks" / "shipped" / f"{TRIGGERED}.yaml").read_text("utf-8")
    for old, new in (
        (f"id: {TRIGGERED}", f"id: {PLAYBOOK}"), ('value: "240"', f'value: "{minutes}"'),
        ('en: "Contain a network scan"', 'en: "Zone off for a minute"'),
    ):  # fmt: skip
        need(old in text, f"{TRIGGERED} has no {old}")
        text = text.replace(old, new)
    (books / f"{PLAYBOOK}.yaml").write_text(text, "utf-8")
    return _NET | {"playbooks.folder": str(books)}


def seconds_of(time_: str) -> float:
    """A moment as seconds since 1970."""
    return datetime.fromisoformat(f"{time_[:26]}+00:00").timestamp()


class Story:
    """One playing of it, in `house` behind `net`, by the analyst's `hands`."""

    def __init__(
        self, house: House, net: Net, hands: Hands, say: Callable[[str], object] = lambda _: None
    ) -> None:
        self.house = house
        self.net = net
        self.hands = hands
        self.say = say
        self.alert = self.case = self.run = ""
        self.late_s = 0.0  # from the evidence to where people look
        self._blocked_at = 0.0

    def begin(self) -> None:
        """The service starts, and all can reach the servers."""
        self.house.start(
            "--interface", self.net.tap, "--set", f'service.triggers={{{TRIGGERED}="rule.id:scan"}}',
            inside=self.net.inside(),
        )  # fmt: skip
        wait(self.house.listens, self.house.told)
        need(self.net.reaches(ATTACKER) and self.net.reaches(CLIENT), "the servers cannot be reached")

    def attack(self, appears: Callable[[], object] | None = None) -> None:
        """Somebody scans the servers; an alert comes, and `appears` where people look."""
        self.net.scan()
        if appears is not None:
            appears()
            seen = time.time()
        [alert] = wait(self._scans, self.house.told)
        self.alert = str(alert["event"]["id"])
        if appears is not None:
            self.late_s = seen - seconds_of(alert["citywall"]["dedup"]["first_seen"])
            self.say(f"seen {self.late_s:.2f} s after the evidence")
        [self.case] = wait(self._cases, self.house.told)

    def _scans(self) -> list[dict[str, Any]]:
        return [a for a in self.house.alerts().values() if a.get("source", {}).get("ip") == ATTACKER]

    def _cases(self) -> list[str]:
        return [str(case["id"]) for case in self.house.read("cases", "list")]

    def triage(self, out: Path) -> None:
        """The analyst reads why, takes it, slices the evidence, starts the playbook and answers it."""
        need("10.20.100" in self.hands.read(self.alert), "the alert does not say what was scanned")
        self.hands.take(self.alert)
        self.hands.slice(self.alert, out)
        need(out.stat().st_size > 24, f"{out} holds no packets")
        self.run = self.hands.start(PLAYBOOK, self.alert)
        self.hands.answer(self.run, verdict="malicious")
        wait(lambda: [state for _, state in waiting(self.house, self.run)] == ["approval"], self._how)

    def _how(self) -> str:
        return json.dumps(self.house.run(self.run), ensure_ascii=False)[:4000]

    def digest(self) -> str:
        """What an approver must have seen."""
        [waits] = [a for a in self.house.run(self.run)["actions"] if a["state"] == "approval"]
        return str(waits["digest"])

    def refusals(self) -> None:
        """What nobody may do is refused, and stands in the audit log."""
        seen = self.digest()
        code, said = self._tried("playbooks", "approve", self.run, "--seen", seen, who=ANALYST)
        need(code == 1 and "refused" in said, f"one's own request could be approved: {said}")
        aimed = self.house.act(
            ANALYST, "playbooks", "run", TRIGGERED, "--alert", self.alert, "--live",
            "--var", f"source_ip={CLIENT}",
        )["id"]  # fmt: skip
        self.house.act(ANALYST, "playbooks", "answer", aimed, "done", "--out", "verdict=malicious")
        failed = [a for a in self.house.run(aimed)["actions"] if a["action"] == "block"]
        need([a["state"] for a in failed] == ["failed"], f"what is protected could be blocked: {failed}")
        self.house.act(ANALYST, "playbooks", "abort", aimed, "--reason", "the target is protected")
        refused = {(r["action"], r["who"]) for r in self.house.audit() if r["outcome"] == "refused"}
        need(("playbooks.approve", ANALYST) in refused, f"not in the audit log: {refused}")

    def _tried(self, *arguments: str, who: str) -> tuple[int, str]:
        return self.house.together((*arguments, "--as", who), (*arguments, "--as", who))[0]

    def approve(self) -> None:
        """Two approvers at once: one wins, the other is told; then the attacker stays out."""
        seen = self.digest()
        given = ("playbooks", "approve", self.run, "--seen", seen, "--as")
        said = self.house.together((*given, "wang"), (*given, "zhao"))
        need(sorted(code for code, _ in said) == [0, 1], f"not one of two approvers won: {said}")
        [told] = [err for code, err in said if code]
        need("approved_already" in told, f"the slower approver is told something else: {told}")
        self._blocked_at = time.monotonic()
        self.stopped()

    def stopped(self) -> None:
        """The attacker reaches nothing; whoever is protected reaches everything."""
        need(not self.net.reaches(ATTACKER), "the attacker still reaches the servers")
        need(not self.net.reaches(ATTACKER, "10.20.100.40"), "the attacker still reaches a server")
        need(self.net.reaches(CLIENT), "whoever is protected is cut off, too")
        need(self.net.reaches(CLIENT, "10.20.100.40"), "whoever is protected is cut off, too")

    def finish(self) -> None:
        """The run's last step is answered and its case closed."""
        self.hands.answer(self.run)
        wait(lambda: self.house.run(self.run)["status"] == "completed", self._how)
        self.hands.close_case(self.case)

    def expire(self) -> None:
        """The block ends by itself, which the run knows, and the attacker is let in again."""
        left = _BLOCK_S - (time.monotonic() - self._blocked_at)
        time.sleep(max(left - 5.0, 0.0))
        wait(lambda: self.net.reaches(ATTACKER), self.net.blocked, 30)
        took = time.monotonic() - self._blocked_at
        need(took > _BLOCK_S - 8, f"the block ended after {took:.0f} s already")
        self.say(f"the block ended after {took:.0f} s")
        wait(lambda: self._block()["state"] == "expired", self._how)

    def _block(self) -> dict[str, Any]:
        [block] = [a for a in self.house.run(self.run)["actions"] if a["action"] == "block"]
        found: dict[str, Any] = block
        return found

    def triggered_after_alert(self) -> bool:
        """Whether the alert began one run by itself, asked for after the evidence that the store then had.

        When the store first had the alert cannot be told any more: it is written anew as the alert grows.
        """
        first = seconds_of(self.house.alerts()[self.alert]["citywall"]["dedup"]["first_seen"])
        own = [r for r in self.house.read("playbooks", "status") if r["requester"] == "citywall"]
        begun = [seconds_of(r["requested"]) for r in own if r["alert"] == self.alert]
        need(all(at > first for at in begun), f"{own} was asked for before there was an alert")
        return len(begun) == 1

    def drill(self, folder: Path) -> dict[str, Any]:
        """The same packets as a drill, scored twice; returns the score."""
        kept = sorted((self.house.data / "packets" / self.net.tap).glob("*.pcap"))
        need(kept, "no packets were kept")
        truth = folder / "truth.yaml"
        truth.write_text(
            "attacks:\n  - {id: scan, kind: scan, attck: [T1046], "
            f"sources: [{ATTACKER}], targets: {json.dumps(scanned())}}}\n",
            "utf-8",
        )
        [planned] = self.house.read(
            "drill", "plan", "--from-capture", kept[0], "--truth", truth, "--name", "again"
        )
        need(planned["name"] == "again", planned)
        self.house.read("drill", "run", "again", "--quiet")
        [score] = self.house.read("drill", "score", "again")
        need(self.house.read("drill", "score", "again") == [score], "a score is another when it is made anew")
        need(score["coverage"] == 1.0, f"the drill does not find the attack: {score}")
        return score

    def today(self) -> str:
        """The day of the report that tells of now."""
        return datetime.now(ZONE).date().isoformat()

    def facts(self, day: str) -> Facts:
        """Everything that there is, raw."""
        house = self.house
        alerts = [*house.alerts().values()]
        work = {a["event"]["id"]: house.read("alerts", "show", a["event"]["id"])[0] for a in alerts}
        detectors: Any = house.read("detectors", "list")[0]  # one line has them all
        return Facts(
            house.data, day, alerts=alerts,
            workflows={name: told["workflow"] for name, told in work.items()},
            cases=[house.read("cases", "show", c["id"])[0] for c in house.read("cases", "list", "--all")],
            runs=house.read("playbooks", "status", "--limit", "10000"),
            drills=[self._drill(told) for told in house.read("drill", "list")],
            detectors=detectors, accounts=[["administrator"], *PEOPLE.values()],
            places=Places(ROOT / "posture" / "example"),
            store=house.settings.get("store", "sqlite://").partition(":")[0],
        )  # fmt: skip

    def _drill(self, told: Json) -> Json:
        [score] = self.house.read("drill", "score", told["name"])
        run = json.loads((self.house.data / "drills" / told["name"] / "run.json").read_bytes())
        return score | told | {"began": run["attempts"][0]["at"] / 1e9}

    def recounted(self, figures: dict[str, Any], day: str) -> list[str]:
        """Every figure of the day's report that is another by count."""
        return differences(figures, self.facts(day))

    def report(self, folder: Path, day: str, data: Path | None = None) -> dict[str, Any]:
        """The report of a day as it stands in a data folder; returns what `--json` says."""
        more = ("--data", data) if data else ()
        [told] = self.house.read("report", "nightly", "--date", day, "--out", folder, *more)
        return told

    def same_again(self, folder: Path, day: str) -> None:
        """Made twice of the same data, report and record of the drill are the same to the byte."""
        made: list[dict[str, bytes]] = []
        for name in ("once", "again"):
            own = folder / name
            data = own / "data"
            shutil.copytree(self.house.data, data, ignore=shutil.ignore_patterns("*.sock", "LOCK"))
            self.report(own / "report", day, data)
            self.house.read("drill", "report", "again", "--out", own / "drill", "--data", data)
            found = sorted(p for kind in ("report", "drill") for p in (own / kind).rglob("*") if p.is_file())
            made.append({str(path.relative_to(own)): path.read_bytes() for path in found})
        once, again = made
        need(len(once) > 6 and once.keys() == again.keys(), f"other files: {sorted(once)}, {sorted(again)}")
        others = [name for name, data in once.items() if again[name] != data]
        need(not others, f"made twice, these are not the same: {others}")

    def end(self) -> None:
        """The service stops in good order, and the audit log is whole."""
        need(self.house.end() == 0, "the service did not stop in good order")
        [verified] = self.house.read("audit", "verify")
        need(verified["ok"], f"the audit log is not whole: {verified}")
