"""A visit compared with what is declared and known of a page; what is learned of it. No clock, no files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from citywall.portals import APART, PAST_DAYS, Portal, host_of
from ingest.portals import words
from ingest.portals.certificates import Shown
from ingest.portals.page import Page, difference, is_address, sound
from ingest.portals.visits import Answer, Drift, Known, Visit

#: Changes of a page, in thousandths, that are in the nature of pages; days left that are not worth a word.
CALM, SOON_DAYS = 300, 90
_DAY_S = 86_400
#: Drifts of a kind that are told apart, of one page; hosts and titles that are remembered.
_APART, _KEPT = 8, 1000
_TITLES = 50
_COUNTED = frozenset({"down", "status"})


def drifts(portal: Portal, known: Known, visit: Visit, learn: int) -> tuple[Drift, ...]:
    """How a visit is not as it should be; what only learning tells, once `learn` probes were learned from."""
    found = [*_answers(portal, known, visit.answer)]
    page = visit.answer.page
    if page is not None and visit.answer.status < 400:  # else it is the server's own, about what is amiss
        found += _content(portal, known, page, visit, knows=known.probes >= learn)
    if visit.certificate is not None:
        host = host_of(visit.url)
        found += _certified(portal, known, visit.certificate, host, visit.time // 10**9)
    counts: dict[str, int] = {}
    kept = []
    for drift in found:
        counts[drift.kind] = counts.get(drift.kind, 0) + 1
        if counts[drift.kind] <= _APART:
            kept.append(replace(drift, value=drift.value[:200]))
    return tuple(kept)


def _answers(portal: Portal, known: Known, answer: Answer) -> Iterator[Drift]:
    if answer.away and answer.away not in known.away and not portal.expects(answer.away):
        yield Drift("redirected", answer.away, grave=True)
    if answer.down:
        yield Drift("down", answer.error or str(answer.status))
    elif answer.status >= 400 and answer.status != known.status:
        yield Drift("status", str(answer.status))


def _content(portal: Portal, known: Known, page: Page, visit: Visit, *, knows: bool) -> Iterator[Drift]:
    def new(hosts: Iterable[str], usual: tuple[str, ...]) -> list[str]:
        return _new(portal, hosts, usual)

    if knows and known.page is not None:
        yield from _changes(portal, known, known.page, page)
    dark = {hidden.host for hidden in page.hidden if words.found_in(hidden.text)}
    hidden = [h for h in new(dict.fromkeys(h.host for h in page.hidden), known.hidden) if knows or h in dark]
    if hidden:
        yield Drift("hidden", " ".join(hidden), len(hidden), grave=bool(dark & set(hidden)))
    titled = words.found_in(page.title)
    fresh = [word for word in page.words if word not in known.words]
    if fresh and (knows or any(word in titled for word in fresh)):
        yield Drift("words", " ".join(fresh), len(fresh), grave=any(word in titled for word in fresh))
    for host in new([page.diverts] if page.diverts else [], known.diverts):
        yield Drift("diverted", host, grave=True)
    for host in new([page.refresh] if page.refresh else [], known.refresh):
        yield Drift("refresh", host, grave=True)
    for how, other in visit.others.items():
        yield from _cloaked(portal, known, page, how, other, knows=knows)


def _changes(portal: Portal, known: Known, before: Page, page: Page) -> Iterator[Drift]:
    """What is another than before, and what is there that was not."""
    if (changed := difference(before, page)) > CALM:
        yield Drift("rewritten", page.title, changed)
    if page.title not in known.titles:
        yield Drift("title", page.title)
    for kind in ("script", "frame", "form"):
        for host in _new(portal, getattr(page, f"{kind}s"), getattr(known, f"{kind}s")):
            yield Drift(kind, host)
    if hosts := _new(portal, page.links, known.links):
        yield Drift("links", " ".join(hosts), len(hosts))


def _new(portal: Portal, hosts: Iterable[str], usual: tuple[str, ...]) -> list[str]:
    """Hosts that are neither usual nor declared."""
    return [host for host in hosts if host not in usual and not portal.expects(host)]


def _cloaked(
    portal: Portal, known: Known, page: Page, how: str, other: Answer, *, knows: bool
) -> Iterator[Drift]:
    """What others are given that an ordinary visitor is not."""
    if other.away and not portal.expects(other.away) and other.away not in known.away:
        yield Drift("cloaked", f"{how} > {other.away}", 1000, grave=True)
    elif other.page is not None and other.status < 400:
        usual = page.hosts | set(known.links) | set(known.hidden)
        hosts = sorted(h for h in other.page.hosts if h not in usual and not portal.expects(h))
        dark = [word for word in other.page.words if word not in page.words and word not in known.words]
        beyond = difference(page, other.page) - known.cloak
        if dark:
            yield Drift("cloaked", f"{how}: {' '.join((*dark, *hosts))}", 1000, grave=True)
        elif knows and beyond > CALM:
            yield Drift("cloaked", f"{how}: {' '.join(hosts)}" if hosts else how, min(beyond, 1000))


def _certified(portal: Portal, known: Known, shown: Shown, host: str, now_s: int) -> Iterator[Drift]:
    allowed = not portal.issuers or any(part.lower() in shown.issuer.lower() for part in portal.issuers)
    pins = portal.pins or known.pins
    if not allowed:
        yield Drift("issuer", shown.issuer, grave=True)
    elif not portal.issuers and known.issuers and shown.issuer not in known.issuers:
        yield Drift("issuer", shown.issuer)
    if pins and shown.pin not in pins:
        yield Drift(
            "certificate", shown.pin, 1 if _renewed(portal, known, shown) else 2, grave=bool(portal.pins)
        )
    if shown.ends:
        left = (shown.ends - now_s) // _DAY_S
        if left <= SOON_DAYS:
            yield Drift("expiry", str(left), max(left + PAST_DAYS, 0))
    if sound(host) and not is_address(host) and not shown.covers(host):
        yield Drift("names", " ".join(shown.names) or shown.subject, grave=True)


def _renewed(portal: Portal, known: Known, shown: Shown) -> bool:
    """Whether a certificate with another key is from where it is to be expected, and no pin against it."""
    if portal.issuers:
        return not portal.pins and any(part.lower() in shown.issuer.lower() for part in portal.issuers)
    return not portal.pins and shown.issuer in known.issuers


def followed(before: dict[str, Drift], found: Iterable[Drift], time: int) -> dict[str, Drift]:
    """Drifts of this visit by what tells them apart, each with what it was at the visit before."""
    now: dict[str, Drift] = {}
    for drift in found:
        key = f"{drift.kind}|{drift.value}" if drift.kind in APART else drift.kind
        was = before.get(key)
        measure = drift.measure
        if drift.kind in _COUNTED:
            measure = was.measure + 1 if was else 1
        now[key] = replace(
            drift, measure=measure, began=was.began if was else time, before=was.measure if was else 0
        )
    return now


def learned(portal: Portal, known: Known, visit: Visit, learn: int) -> Known:
    """What is known after a visit. Suspicious things are never learned.

    While learning everything else is; then the text goes along with small changes, and renewed certificates
    are known, but hosts stay as they are until somebody accepts others.
    """
    page, shown = visit.answer.page, visit.certificate
    if shown and known.probes >= learn and _renewed(portal, known, shown):
        known = replace(
            known, pins=_with(known.pins, (shown.pin,)), issuers=_with(known.issuers, (shown.issuer,))
        )
    if page is None or visit.answer.status >= 400:
        return known
    if known.probes >= learn:
        calm = known.page is not None and difference(known.page, page) <= CALM
        return replace(known, page=page) if calm else known
    suspicious = {h.host for h in page.hidden if words.found_in(h.text)} | {page.diverts, page.refresh}
    if words.found_in(page.title):
        return known
    others = [o.page for o in visit.others.values() if o.page is not None and o.status < 400]
    cloak = max((difference(page, other) for other in others), default=0)
    calmer = replace(
        page, hidden=tuple(h for h in page.hidden if h.host not in suspicious), diverts="", refresh="",
        links=tuple(host for host in page.links if host not in suspicious),
    )  # fmt: skip
    return replace(
        _joined(known, replace(visit, answer=replace(visit.answer, page=calmer, away=""))),
        probes=known.probes + 1, cloak=max(known.cloak, min(cloak, 2 * CALM)), page=page,
    )  # fmt: skip


def accepted(known: Known, visit: Visit, by: str, time: int, learn: int) -> Known:
    """What is known once an analyst has said that a visit is as it should be, suspicious things too."""
    page = visit.answer.page
    cloak = known.cloak
    for other in visit.others.values():
        if page is not None and other.page is not None:
            cloak = max(cloak, difference(page, other.page))
    joined = _joined(known, visit)
    for other in visit.others.values():
        joined = _joined(joined, replace(visit, answer=other, certificate=None))
    return replace(
        joined, probes=max(known.probes, learn), status=visit.answer.status, page=page or known.page,
        cloak=cloak, accepted_by=by, accepted_at=time,
        pins=(visit.certificate.pin,) if visit.certificate else known.pins,
        issuers=(visit.certificate.issuer,) if visit.certificate else known.issuers,
    )  # fmt: skip


def _joined(known: Known, visit: Visit) -> Known:
    """What was known, and what a visit saw."""
    page, shown = visit.answer.page or Page(), visit.certificate
    more = {
        "scripts": page.scripts, "frames": page.frames, "forms": page.forms, "links": page.links,
        "hidden": tuple(h.host for h in page.hidden), "words": page.words,
        "away": (visit.answer.away,), "diverts": (page.diverts,), "refresh": (page.refresh,),
        "pins": (shown.pin,) if shown else (), "issuers": (shown.issuer,) if shown else (),
    }  # fmt: skip
    told = {name: _with(getattr(known, name), new) for name, new in more.items()}
    return replace(
        known, **told, status=visit.answer.status or known.status,
        titles=_with(known.titles, (page.title,) if visit.answer.page else ())[-_TITLES:],
    )  # fmt: skip


def _with(known: tuple[str, ...], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *filter(None, new))))[-_KEPT:]
