"""Plain lists: a value a line, `kind:value` where it is not clear; remarks after `#`.

Remarks before the first value may say `# source: NAME`, `# confidence: 80`, `# severity: high`,
`# valid_until: 2027-01-01`, `# kind: ja3`, `# title: TEXT` for all that follows.
"""

from __future__ import annotations

import re

from rules.indicators.formats.base import Entry, Listing
from rules.indicators.model import ADDRESS, KINDS

_KNOWN = frozenset({"source", "confidence", "severity", "valid_from", "valid_until", "kind", "title"})
_SAID = re.compile(r"#\s*([a-z_]+)\s*:\s*(.+)")
#: Other names of kinds.
NAMES = {"ip": ADDRESS, "prefix": ADDRESS, "cidr": ADDRESS, "hostname": "domain", "sha-1": "sha1",
         "sha-256": "sha256", **{kind: kind for kind in KINDS}}  # fmt: skip
#: Names of the machine itself in hosts files.
_OWN = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"})  # noqa: S104


def read(text: str, listing: Listing) -> None:
    """Read a plain list."""
    said: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith(("#", ";", "//")):
            if (found := _SAID.fullmatch(line.lower())) and found[1] in _KNOWN:
                said[found[1]] = line.partition(":")[2].strip()
            continue
        value, _, remark = line.partition(" #")
        if not value.strip():
            continue
        name, _, rest = value.strip().partition(":")
        kind = NAMES.get(name.lower(), "")
        kind, value = (kind, rest) if kind and rest else (NAMES.get(said.get("kind", "").lower(), ""), value)
        listing.take(
            Entry(
                value.strip(), f"line {number}", kind, said.get("source", ""), said.get("confidence"),
                said.get("severity"), said.get("valid_from"), said.get("valid_until"),
                remark.strip() or said.get("title", ""),
            )
        )  # fmt: skip


def hosts_file(text: str) -> bool:
    """Whether lines look as those of a hosts file (`0.0.0.0 name`), which block lists come as."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")][:20]
    return bool(lines) and all(re.match(r"\s*(0\.0\.0\.0|127\.0\.0\.1|::1?)\s+\S", line) for line in lines)


def read_hosts(text: str, listing: Listing) -> None:
    """Read a hosts file: names that are to lead nowhere."""
    for number, line in enumerate(text.splitlines(), 1):
        for name in line.partition("#")[0].split()[1:]:
            if name not in _OWN:
                listing.take(Entry(name, f"line {number}", "domain"))
