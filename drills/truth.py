"""Ground truth of a scene: which frames are which attack, and how alerts measure up to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from citywall.errors import InputError

#: Alerts may name evidence this long (ns) before an attack's first frame or after its last.
SLACK = 60_000_000_000
INFORMATIONAL = 1


class AttackTruth(msgspec.Struct, frozen=True):
    """One attack. `frames` are runs [first, last] of frame numbers, from 1; times are ns."""

    id: str
    kind: str
    attck: tuple[str, ...]
    detector: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    spoofed: bool
    frames: tuple[tuple[int, int], ...]
    first_frame: int
    last_frame: int
    packets: int
    start: int
    end: int


class Truth(msgspec.Struct, frozen=True):
    """What is true of a capture: its attacks and the addresses that do nothing wrong."""

    capture: str
    seed: int
    minutes: int
    packets: int
    bytes: int
    start: int
    end: int
    attacks: tuple[AttackTruth, ...]
    benign_hosts: tuple[str, ...]


class Score(msgspec.Struct, frozen=True):
    """How alerts measure up: alert ids by attack found, attacks missed, false alerts.

    `false_alerts` are alerts above informational that accuse nobody who attacked; `about_benign` those of
    them whose source is a benign host. `others` accuse an attacker of something else than was planned.
    """

    found: dict[str, list[str]]
    missed: list[str]
    false_alerts: list[str]
    about_benign: list[str]
    others: list[str]

    @property
    def perfect(self) -> bool:
        """Every attack found, nothing false."""
        return not self.missed and not self.false_alerts


def truth_path(capture: Path) -> Path:
    """Where the truth of a capture stands."""
    return capture.with_name(capture.name + ".truth.json")


def save(truth: Truth, capture: Path) -> None:
    """Write the truth beside its capture."""
    text = msgspec.json.format(msgspec.json.encode(truth, order="deterministic"), indent=1)
    truth_path(capture).write_bytes(text + b"\n")


def load(capture: Path) -> Truth:
    """Read the truth beside a capture; raises InputError."""
    path = truth_path(capture)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Truth)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise InputError(str(path), f"is not the truth of a scene: {e}") from e


def score(truth: Truth, alerts: Iterable[Mapping[str, Any]]) -> Score:
    """Hold ECS alert documents against the truth.

    An alert finds an attack when it is of the planned detector, names the attack's source (for attacks that
    drown, class `dos`, the target) and its evidence overlaps the attack in time.
    """
    found: dict[str, list[str]] = {}
    false_alerts, about_benign, others = [], [], []
    for alert in alerts:
        name = str(value_at(alert, "event", "id") or value_at(alert, "_id") or "")
        hits = [attack for attack in truth.attacks if finds(alert, attack)]
        for attack in hits:
            found.setdefault(attack.id, []).append(name)
        if hits or int(value_at(alert, "event", "severity") or 0) <= INFORMATIONAL:
            continue
        if any(overlaps(alert, attack) and accuses(alert, attack) for attack in truth.attacks):
            others.append(name)
            continue
        false_alerts.append(name)
        if named(alert, "source") in truth.benign_hosts:
            about_benign.append(name)
    missed = [attack.id for attack in truth.attacks if attack.id not in found]
    return Score(found, missed, false_alerts, about_benign, others)


def value_at(document: Mapping[str, Any], *keys: str) -> Any:
    """What stands in a document under some keys; None where nothing does."""
    value: Any = document
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def named(alert: Mapping[str, Any], side: str) -> str:
    """The address or prefix that an alert names as `source` or `destination`; empty where it names none."""
    return str(value_at(alert, side, "address") or value_at(alert, side, "ip") or "")


def detector_of(alert: Mapping[str, Any]) -> str:
    """The detector of an alert, as `plain` writes it."""
    name = value_at(alert, "citywall", "detector", "name") or value_at(alert, "event", "provider")
    return plain(str(name or value_at(alert, "rule", "id") or ""))


def plain(name: str) -> str:
    """A detector's name without what people write differently."""
    return name.lower().replace("_", "").replace("-", "")


def finds(alert: Mapping[str, Any], attack: AttackTruth) -> bool:
    """Whether an alert is of the planned detector, and about the attack."""
    if detector_of(alert) != plain(attack.detector) or not overlaps(alert, attack):
        return False
    if attack.kind == "dos":
        return covers(named(alert, "destination"), attack.targets)
    target = named(alert, "destination")
    return accuses(alert, attack) and (not target or covers(target, attack.targets))


def accuses(alert: Mapping[str, Any], attack: AttackTruth) -> bool:
    """Whether an alert names the source of an attack."""
    return not attack.spoofed and covers(named(alert, "source"), attack.sources)


def overlaps(alert: Mapping[str, Any], attack: AttackTruth) -> bool:
    """Whether an alert's evidence is of the time of an attack, or nearly."""
    start = time_of(value_at(alert, "event", "start") or value_at(alert, "@timestamp"))
    end = time_of(value_at(alert, "event", "end") or value_at(alert, "@timestamp"))
    return start <= attack.end + SLACK and end >= attack.start - SLACK


def time_of(text: object) -> int:
    """A time of a document in ns, 0 where it is none."""
    try:
        return int(datetime.fromisoformat(str(text)).timestamp() * 1_000_000) * 1000
    except ValueError:
        return 0


def covers(name: str, listed: tuple[str, ...]) -> bool:
    """Whether the address or prefix `name` and one of `listed` share an address."""
    try:
        network = ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False
    others = (ipaddress.ip_network(other, strict=False) for other in listed)
    return any(network.version == other.version and network.overlaps(other) for other in others)
