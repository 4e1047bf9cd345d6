from __future__ import annotations

import re
from pathlib import Path

import console.doctor
from citywall.i18n import catalogue
from console.doctor.machine import PROGRAMS
from console.doctor.registry import CHECKS


def test_every_finding_has_its_text_and_every_text_its_finding():
    folder = Path(console.doctor.__file__).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    named = set(re.findall(r'(?:good|lacking|broken|\(lacking if .* else good\))\(f?"([a-z_{}]+)"', source))
    named |= {*PROGRAMS.values(), "register", "register_example"}
    for what in ("made", "tried"):
        named |= {f"backup_{what}", f"backup_never_{what}"}
    texts = {key.removeprefix("doctor.") for key in catalogue() if key.startswith("doctor.")}
    assert {name for name in named if "{" not in name} == texts
    assert [check.__name__ for check in CHECKS.values()] == list(CHECKS)
