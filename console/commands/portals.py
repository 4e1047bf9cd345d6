"""`citywall portals`: the pages of registered portals, what differs on them, and what is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import caller, desk, signin
from console.framework import Command, Group, option
from console.options import looks
from console.text import clean

if TYPE_CHECKING:
    from citywall.portals import Portal
    from citywall.settings import Settings
    from console.terminal import Terminal

_portals = click.argument("names", metavar="[PORTAL...]", nargs=-1)
_url = option("--url", "url", key="portal_url", default="", metavar="URL")


@click.group(cls=Group, name="portals")
@looks
def command() -> None:
    """The pages of registered portals, what differs on them, and what is accepted."""


@command.command(cls=Command, name="list", key="portals-list")
@_portals
@desk.usual
@click.pass_context
def list_(context: click.Context, /, *, names: tuple[str, ...], **given: Any) -> None:
    """List the pages of portals."""
    from console import portalsheet

    settings, look = desk.begin(context, given)
    pages = _pages(_chosen(settings, look, names), given["data"], settings)
    if given["as_json"]:
        for portal, url, standing in pages:
            look.say(json.dumps(portalsheet.plain(portal, url, standing), ensure_ascii=False))
    elif not portalsheet.write_list(pages, settings.portals.learn, look):
        look.note(look.tr("portals.none"))


@command.command(cls=Command, name="show", key="portals-show")
@click.argument("name", metavar="PORTAL")
@desk.usual
@click.pass_context
def show(context: click.Context, /, *, name: str, **given: Any) -> None:
    """Show a portal: what is known of its pages, and what differs."""
    from console import portalsheet

    settings, look = desk.begin(context, given)
    pages = _pages(_chosen(settings, look, (name,)), given["data"], settings)
    if given["as_json"]:
        told = [portalsheet.plain(portal, url, standing, whole=True) for portal, url, standing in pages]
        look.say(json.dumps({"portal": name, "pages": told}, ensure_ascii=False))
        return
    for portal, url, standing in pages:
        portalsheet.write_page(portal, url, standing, settings.portals.learn, look)


@command.command(cls=Command, name="probe", key="portals-probe")
@_portals
@_url
@desk.as_
@desk.usual
@click.pass_context
def probe(context: click.Context, /, *, names: tuple[str, ...], url: str, actor: str, **given: Any) -> None:
    """Visit pages now."""
    from alerts.documents import documents_of
    from citywall.permissions import Target
    from stream.probing import RECORDS, Rounds
    from trust.audit import entry

    settings, look = desk.begin(context, given)
    portals = _chosen(settings, look, names)
    pages = [
        (portal, page) for portal in portals for page in _urls(portal, url, look, several=len(portals) > 1)
    ]
    if not pages:
        raise UsageError(look.tr("portals.none"))
    data: Path = given["data"]
    with caller.accounts_of(data, settings) as accounts:
        by = signin.log_in(accounts, look, actor)
        for portal in portals:
            target = Target("portal", portal.id)
            accounts.guard.require(by, "portals.probe", target)
            accounts.log.append(entry(by, "portals.probe", target))
        rounds = Rounds(data, settings.portals, documents_of(data, settings), portals)
        records = rounds.probe(pages)
    if given["as_json"]:
        for record in records:
            look.say(json.dumps(_told(record), ensure_ascii=False))
        return
    drifting = sum(bool(record.drifts) for record in records)
    look.say(look.tr("portals.probed", n=len(records), drifts=drifting))
    for portal, page, standing in _pages(portals, data, settings):
        if (portal, page) in pages and standing is not None and standing.open:
            from console import portalsheet

            portalsheet.write_page(portal, page, standing, settings.portals.learn, look)
    if drifting and caller.current() is None:
        look.note(look.tr("portals.waiting", folder=data / RECORDS))


@command.command(cls=Command, name="accept", key="portals-accept")
@click.argument("name", metavar="PORTAL")
@_url
@option("--reason", key="portal_reason", required=True, metavar="TEXT")
@desk.as_
@desk.usual
@click.pass_context
def accept(context: click.Context, /, *, name: str, url: str, reason: str, actor: str, **given: Any) -> None:
    """Say that pages are as they should be."""
    from alerts.desk import read
    from alerts.documents import ABSENT
    from citywall.permissions import Target
    from stream.probing import FORM, accepted, id_of

    with desk.acting(context, given, actor) as (opened, by, settings, look):
        (portal,) = _chosen(settings, look, (name,))
        taken = []
        for page in _urls(portal, url, look):
            doc_id = id_of(portal.id, page)
            doc = opened.documents.get(FORM.kind, doc_id)
            kept = opened.change(
                by, "portals.accept", FORM, doc_id, version=read(FORM, doc).version if doc else ABSENT,
                make=lambda standing, _, now: accepted(standing, by.user, now, settings.portals.learn),
                detail={"url": page, "reason": reason}, target=Target("portal", portal.id),
            )  # fmt: skip
            taken.append(kept.body)
        if given["as_json"]:
            for standing in taken:
                from console import portalsheet

                look.say(json.dumps(portalsheet.plain(portal, standing.url, standing), ensure_ascii=False))
        else:
            look.say(look.tr("portals.accepted", id=portal.id, n=len(taken)))


def _chosen(settings: Settings, look: Terminal, names: tuple[str, ...]) -> list[Portal]:
    """The portals of the register, or those of the names; raises UsageError, FaultyInput."""
    from posture import reading

    if not settings.register:
        raise UsageError(look.tr("error.no_register"))
    found = reading.read([Path(settings.register)]).portals
    known = {portal.id: portal for portal in found}
    for name in names:
        if name not in known:
            raise UsageError(look.tr("portals.unknown", id=clean(name)))
    return [known[name] for name in names] if names else list(found)


def _urls(portal: Portal, url: str, look: Terminal, *, several: bool = False) -> list[str]:
    """The pages of a portal, or the one that was named."""
    if url and url not in portal.urls:
        if several:
            return []
        raise UsageError(look.tr("portals.unknown_page", id=portal.id, url=clean(url)))
    return [url] if url else list(portal.urls)


def _pages(portals: list[Portal], data: Path, settings: Settings) -> list[tuple[Portal, str, Any]]:
    """Every page with how it stands, None where it was never visited."""
    from alerts.documents import documents_of
    from stream.probing import id_of, standings

    known = standings(documents_of(data, settings))
    return [(portal, url, known.get(id_of(portal.id, url))) for portal in portals for url in portal.urls]


def _told(record: Any) -> dict[str, Any]:
    import msgspec

    from alerts import times

    told: dict[str, Any] = msgspec.to_builtins(record)
    told["visited"] = times.to_iso(record.visited)
    return {"drifts": [], **told}
