"""The manual's page of detectors is what the classes say."""

from __future__ import annotations

from pathlib import Path

from detectors.catalogue import page
from detectors.registry import DETECTORS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "detectors.md"


def test_the_page_is_current():
    assert PAGE.read_text("utf-8") == page(), "python -m detectors.catalogue > docs/detectors.md"


def test_every_detector_kind_and_parameter_is_on_it():
    text = page()
    for detector in DETECTORS.values():
        assert f"\n## {detector.id}\n" in text
        assert all(f"- `{kind}`: " in text for kind in detector.kinds)
        assert all(f"| `{p.name}` | " in text for p in detector.parameter_list())
