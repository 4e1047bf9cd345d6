"""A portal's pages as people read them: when they were visited, what is known, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alerts import times
from console.display.table import Column
from console.display.write import write_heading, write_table, write_text
from console.text import clean

if TYPE_CHECKING:
    from citywall.portals import Portal
    from console.terminal import Terminal
    from ingest.portals.visits import Drift
    from stream.probing import Standing

#: Kinds of drift that the detector of dark links tells of.
_DARK = frozenset({"hidden", "words", "cloaked", "diverted", "links"})
Page = tuple["Portal", str, "Standing | None"]


def kind_name(kind: str, look: Terminal) -> str:
    """What a kind of drift is called."""
    return look.tr(f"detector_{'darklink' if kind in _DARK else 'portal'}.kind_{kind}")


def plain(portal: Portal, url: str, standing: Standing | None, *, whole: bool = False) -> dict[str, Any]:
    """A page as an object; `whole`: with what is known of it."""
    told: dict[str, Any] = {
        "portal": portal.id,
        "name": portal.name,
        "url": url,
        "visited": None,
        "drifts": [],
    }
    if standing is None or standing.visit is None:
        return told
    visit, known = standing.visit, standing.known
    told |= {
        "visited": times.to_iso(visit.time), "status": visit.answer.status, "error": visit.answer.error,
        "address": visit.address, "learned": known.probes,
        "accepted_by": known.accepted_by,
        "accepted_at": times.to_iso(known.accepted_at) if known.accepted_at else None,
        "drifts": [_drift(drift) for drift in standing.open.values()],
    }  # fmt: skip
    if whole:
        names = ("titles", "scripts", "frames", "forms", "links", "hidden", "pins", "issuers")
        told["known"] = {name: list(getattr(known, name)) for name in names}
        page, shown = visit.answer.page, visit.certificate
        told["hidden"] = [{"host": h.host, "how": h.how, "text": h.text} for h in page.hidden] if page else []
        if shown is not None:
            told["certificate"] = {
                "subject": shown.subject, "issuer": shown.issuer, "pin": shown.pin,
                "names": list(shown.names),
                "fingerprint": shown.fingerprint, "ends": times.to_iso(shown.ends * times.SECOND),
            }  # fmt: skip
    return told


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "kind": drift.kind, "value": drift.value, "measure": drift.measure, "grave": drift.grave,
        "since": times.to_iso(drift.began),
    }  # fmt: skip


def write_list(pages: Sequence[Page], learn: int, look: Terminal) -> int:
    """Write pages as a table; how many there were."""
    columns = [
        Column("PORTAL", least=6),
        Column(look.tr("portals.page"), least=16),
        Column(look.tr("portals.visited"), drop=1),
        Column(look.tr("portals.answer"), drop=2),
        Column(look.tr("portals.state"), least=10),
    ]
    rows = [
        [clean(portal.id), clean(url), *_standing(standing, learn, look)] for portal, url, standing in pages
    ]
    return write_table(look, columns, rows)


def _standing(standing: Standing | None, learn: int, look: Terminal) -> list[str]:
    if standing is None or standing.visit is None:
        return [look.tr("portals.never"), "", ""]
    answer = standing.visit.answer
    return [_short(standing.visited), answer.error or str(answer.status), _state(standing, learn, look)]


def _state(standing: Standing, learn: int, look: Terminal) -> str:
    if standing.open:
        return look.tr("portals.differs", n=len(standing.open))
    if standing.known.probes < learn:
        return look.tr("portals.learning", n=standing.known.probes, of=learn)
    return look.tr("portals.fine")


def write_page(portal: Portal, url: str, standing: Standing | None, learn: int, look: Terminal) -> None:
    """Write a page as it stands."""
    write_heading(look, f"{clean(portal.id)}  {clean(portal.name)}  {clean(url)}")
    if standing is None or standing.visit is None:
        write_text(look, look.tr("portals.never"), indent=2)
        return
    write_text(look, f"{_short(standing.visited)}  {_state(standing, learn, look)}", indent=2)
    for line in _lines(standing, look):
        write_text(look, line, indent=2)


def _lines(standing: Standing, look: Terminal) -> list[str]:
    assert standing.visit is not None
    visit, known = standing.visit, standing.known
    lines = []
    if visit.answer.error:
        lines.append(look.tr("portals.no_way", error=visit.answer.error))
    for drift in standing.open.values():
        key = "portals.since" if drift.value else "portals.since_bare"
        lines.append(
            look.tr(
                key, what=kind_name(drift.kind, look), value=clean(drift.value), since=_short(drift.began)
            )
        )
    if visit.answer.page is not None:
        lines += [
            look.tr("portals.hidden", host=clean(h.host), how=h.how, text=clean(h.text))
            for h in visit.answer.page.hidden[:20]
        ]
    if (shown := visit.certificate) is not None:
        lines.append(
            look.tr(
                "portals.certificate", subject=clean(shown.subject), issuer=clean(shown.issuer),
                ends=_short(shown.ends * times.SECOND), pin=shown.pin,
            )
        )  # fmt: skip
    several = {
        name: ", ".join(map(clean, getattr(known, name))) or "-"
        for name in ("titles", "scripts", "frames", "forms")
    }
    lines.append(look.tr("portals.known", links=len(known.links), **several))
    if known.accepted_by:
        lines.append(
            look.tr("portals.accepted_by", who=clean(known.accepted_by), at=_short(known.accepted_at))
        )
    return lines


def _short(moment: int) -> str:
    return times.to_iso(moment)[:16].replace("T", " ")
