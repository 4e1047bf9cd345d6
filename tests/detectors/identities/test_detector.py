"""What detectors of identities have in common."""

from __future__ import annotations

import identity_scenes as scenes

from citywall.settings import PRIVATE
from detectors.registry import build


def test_a_text_comes_apart_as_it_was_put_together():
    found = build({}, PRIVATE).process(scenes.passed().reports(), scenes.passed().events(), "s", "test")
    (finding,) = [f for f in found if f.kind == "odd_entry"]
    assert (finding.facts["account"], finding.facts["account_domain"], finding.facts["workstation"]) == (
        "administrator", "city", "",
    )  # fmt: skip
    assert [e.kind for e in finding.evidence] == ["packet", "packet"]
