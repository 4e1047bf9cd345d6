"""The manual's page of detectors, made from what stands on the classes.

`python -m detectors.catalogue > docs/detectors.md` writes it anew; a test sees that it is current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from detectors.choosing import size_parameters
from detectors.registry import DETECTORS

_HEAD = """\
# Detectors

Made from the classes in `detectors/` by `python -m detectors.catalogue`, not by hand. Thresholds are
settings: `--set detectors.<id>.<parameter>=<value>`, or a table `[detectors.<id>]` in the settings file.
Every table takes `enabled = false` to switch a detector off, and `exempt`, a list of networks whose hosts
it does not speak of: declared scanners, pools of NAT, servers that copy outside by contract. `citywall
detectors test ID` tries a detector on made-up attacks, `citywall detectors tune ID --set …` says what
other thresholds would have raised of the flows in the archive.

**Severity** says what it means if true: informational wakes nobody, low is a hint for the day's work,
medium is to be looked at today, high now, critical is a success. **Confidence** is between 0 and 1 and
grows with how far and how often a threshold was passed. It is the author's estimate, checked on a
synthesised day and synthesised weeks (`python -m bench detection`, `weeks`) and on captures with known
contents (`citywall evaluate`), not a measured probability. Each finding carries what was observed, what is
usual where that is known, the threshold, the score, and the flows or packets it rests on.

What is kept of hosts is bounded (`[detectors.features]`, `[detectors.relations]`, `[detectors.baselines]`
below) and survives a restart; a full table gives up the quietest of eight neighbours, and whoever deals often
or is suspected counts as younger.

Not looked for: drift of portals' pages, links and certificates (nothing fetches them); log-ins by NTLM over
HTTP or LDAP, and Kerberos in what follows a message's first packet; calls by name but where a signature or
`dcsync` reads them; machines behind address translation in two networks; slow floods of many sources with a
few answered connections each. A sensor whose whole session stops is not seen by the detectors, which know
time by its flows alone; `sensors` tells of a network domain that stops while others speak.
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD, "| id | looks for | 检测内容 | ATT&CK |", "| --- | --- | --- | --- |"]
    described = [(d.describe("en"), d.describe("zh")) for d in DETECTORS.values()]
    for en, zh in described:
        techniques = ", ".join(dict.fromkeys(t["id"] for t in en["attck"]))
        parts.append(f"| [`{en['id']}`](#{en['id']}) | {en['title']} | {zh['title']} | {techniques} |")
    for en, zh in described:
        parts += ["", *_section(en, zh)]
    for name, parameters in size_parameters().items():
        parts += ["", f"## [detectors.{name}]", "", *_table(parameters)]
    return "\n".join(parts) + "\n"


def _section(en: dict[str, Any], zh: dict[str, Any]) -> list[str]:
    gb = en["gb20986"]
    return [
        f"## {en['id']}", "",
        f"**{en['title']}** ({zh['title']}), version {en['version']}", "",
        f"GB/T 20986 {gb['class']}, {gb['subclass']}; axis {en['axis']}.", "",
        *(f"- `{kind}`: {text} ({zh['kinds'][kind]})" for kind, text in en["kinds"].items()), "",
        en["reasoning"], "",
        f"*May be wrong:* {en['false_positives']}", "",
        f"*First response:* {en['remediation']}", "",
        *(f"- {t['id']} {t['name']} ({t['tactic']['name']})" for t in en["attck"]), "",
        *_table(en["parameters"]),
    ]  # fmt: skip


def _table(parameters: Iterable[Any]) -> list[str]:
    lines = ["| parameter | default | range | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    for parameter in parameters:
        told = parameter if isinstance(parameter, dict) else msgspec.to_builtins(parameter)
        default = told["default"]
        if isinstance(default, list | tuple):
            default = f"{len(default)} entries" if default else "none"
        bounds = "" if told["low"] is None else f"{told['low']:g} to {told['high']:g}"
        lines.append(f"| `{told['name']}` | {default} | {bounds} | {told['unit']} | {told['description']} |")
    return lines


if __name__ == "__main__":
    sys.stdout.write(page())
