"""Visits of portals' pages, and what was not as it should be (网页防篡改)."""

from __future__ import annotations

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """A row a page, those that drift first; `drifting`: pages whose last visit of the day showed a drift."""
    pages = inputs.portals
    if not pages:
        return absent("portals", "portal_none")
    if not any(page.visits for page in pages):
        return absent("portals", "portal_unvisited")
    left = sum(not page.visits for page in pages)
    rows = sorted(pages, key=lambda page: (not page.last, page.portal, page.url))
    return Figure(
        "portals", "partial" if left else "observed",
        (Said("portal_left_out", {"count": left}),) if left else (),
        {"pages": len(pages), "visits": sum(page.visits for page in pages)},
        {"pages": len(pages), "visited": len(pages) - left,
         "drifting": sum(bool(page.last) for page in pages)},
        (Column("portal", "name"), Column("page"), Column("visits", "count"), Column("unreached", "count"),
         Column("drifting", "count"), Column("drift")),
        tuple(
            (list(page.name), page.url, page.visits, page.failed, page.drifting, " ".join(page.last))
            for page in rows[: inputs.top]
        ),
    )  # fmt: skip


QUERY = Query("portals", "watch", answer)
