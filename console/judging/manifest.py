"""Manifests: what each capture holds, and which of them can be run."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from citywall.errors import InputError
from citywall.i18n import tr
from console.judging.hosts import Hosts, named

COLUMNS = ("file", "class", "attacker", "victim", "expected_detection", "format")
BENIGN = "benign"
#: Rows of these classes are no traffic: training data, lists, playbooks, rules.
NOT_TRAFFIC = frozenset({"ml", "dga", "playbook", "rules", "ioc"})
#: Classes of captures that carry another collector's export: packets about traffic, not the traffic.
EXPORTS = frozenset({"netflow", "sflow", "ipfix"})
# What a row that is classed by its format is about, told by its expected detection. First match counts.
_FORMAT_CLASSES = frozenset({"zeek-logs", "binetflow", "eve", "ics"})
_TOLD_BY = (
    (
        "scan",
        re.compile(
            r"(port|address|arp|icmp|host|dhcp) ?scan|icmpaddressscan|\brecon(naissance)?\b", re.IGNORECASE
        ),
    ),
    ("bruteforce", re.compile(r"brute ?force|password guess", re.IGNORECASE)),
    ("dos", re.compile(r"flood|amplification|reflection|denial of service", re.IGNORECASE)),
    ("long-conn", re.compile(r"long connection", re.IGNORECASE)),
    ("arp-spoof", re.compile(r"\barp (spoof|poison)|(unsolicited|gratuitous|forged) arp\b", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Row:
    """A row of a manifest. `attack` is the class it is judged as, which may differ from `class_`."""

    file: str
    class_: str
    attack: str
    hosts: Hosts
    expected: str
    format: str
    basis: str

    @property
    def benign(self) -> bool:
        """Whether nothing above informational may be said of it."""
        return self.class_ == BENIGN

    @property
    def informational(self) -> bool:
        """Whether an informational alert is all that is expected."""
        return "informational" in self.expected.lower()


def read(path: Path, language: str) -> list[Row]:
    """The rows of a manifest, in order; raises InputError with path and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                reason = tr("evaluate.bad_manifest", language, columns=", ".join(missing))
                raise InputError(str(path), reason, line=1)
            return [_row(record) for record in reader if record["file"]]
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), str(error)) from error


def _row(record: dict[str, str | None]) -> Row:
    cells = {name: (record.get(name) or "").strip() for name in (*COLUMNS, "ground_truth_basis")}
    expected = cells["expected_detection"]
    return Row(
        file=cells["file"],
        class_=cells["class"],
        attack=attack_class(cells["class"], expected),
        hosts=named(cells["attacker"]) | named(cells["victim"]),
        expected=expected,
        format=cells["format"],
        basis=cells["ground_truth_basis"],
    )


def attack_class(class_: str, expected: str) -> str:
    """The class a row is judged as: its own, or where that only names a format, the one it expects."""
    if class_ not in _FORMAT_CLASSES:
        return class_
    for attack, phrases in _TOLD_BY:
        if phrases.search(expected):
            return attack
    return class_


def source(row: Row, folder: Path, language: str) -> tuple[Path | None, str]:
    """The file to run for a row, or None and why not."""
    if row.class_ in NOT_TRAFFIC:
        return None, tr("evaluate.not_traffic", language, class_=row.class_)
    form = row.format.lower()
    if row.class_ in EXPORTS or not readable(form):
        return None, tr("evaluate.format_unread", language, format=row.format or row.class_)
    path = folder / row.file
    if path.is_dir():
        return (path, "") if any(path.glob("*.log")) else (None, tr("evaluate.no_logs", language))
    return (path, "") if path.exists() else (None, tr("evaluate.absent", language))


def readable(form: str) -> bool:
    """Whether this version reads a format, by the manifest's name for it."""
    if form.startswith(("pcap", "pcapng")):
        return " of " not in form  # "pcap of ipfix" is an export in a capture
    return form.startswith("zeek") or "binetflow" in form
