"""A report as PDF: the same view as the HTML, set by `nightly.typ`."""

from __future__ import annotations

from importlib import resources

import msgspec

from citywall import pdf
from citywall.i18n import tr
from reports.view import View


def paper(shown: View, when: int) -> bytes:
    """The PDF, dated `when` (ns); the same view and date give the same bytes."""
    source = resources.files("reports").joinpath("nightly.typ").read_text("utf-8")
    words = {name: tr(f"report.{name}", shown.language) for name in ("notes",)}
    return pdf.render(source, {**msgspec.to_builtins(shown), "words": words}, shown.language, when=when)
