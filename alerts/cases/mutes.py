"""Mutes and false-positive marks: alerts that are not to make cases, for a reason, by somebody, for a time.

A mute names what it is about (detector, kind, source, target: at least one), holds for alerts detected from
`begins` to `expires` (event time, ns, at most 30 days), and never hides what is worse than it was made for:
an alert above `severity` or `stage`, or on an asset above `importance`, breaks out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from alerts import times
from alerts.cases.members import Member
from alerts.desk import Form, Unfit
from alerts.documents import Reading
from citywall.permissions import Target

MAX_DAYS = 30
MAX_REASON = 1024
_PAGE = 500


class Mute(msgspec.Struct, frozen=True):
    """A mute. `source` and `target` are addresses or prefixes, in `domain` or ("") in any."""

    id: str
    why: Literal["mute", "false_positive"]
    reason: str
    owner: str
    made: int  # wall clock, ns
    begins: int
    expires: int
    rule: str = ""
    kind: str = ""
    source: str = ""
    target: str = ""
    domain: str = ""
    lane: str = "live"
    severity: int = 3
    stage: int = 5
    importance: int = 3
    lifted: int = 0
    lifted_by: str = ""

    @property
    def until(self) -> int:
        """When it ends, or ended."""
        return min(self.expires, self.lifted) if self.lifted else self.expires


def checked(mute: Mute) -> Mute:
    """The mute in canonical form; raises Unfit where it is none."""
    if not mute.reason.strip() or len(mute.reason) > MAX_REASON:
        raise Unfit("bad_text", most=MAX_REASON)
    if not 0 < mute.expires - mute.begins <= MAX_DAYS * times.DAY:
        raise Unfit("mute_too_long", days=MAX_DAYS)
    if not (mute.rule or mute.source or mute.target):
        raise Unfit("mute_of_everything")
    try:
        return msgspec.structs.replace(mute, source=_canonical(mute.source), target=_canonical(mute.target))
    except ValueError as e:
        raise Unfit("no_address", text=str(e)) from e


def lifted(mute: Mute, by: str, now: int) -> Mute:
    """The mute, ended now; raises Unfit where it was lifted before."""
    if mute.lifted:
        raise Unfit("lifted_already")
    return msgspec.structs.replace(mute, lifted=now, lifted_by=by)


def mute_of(member: Member, mutes: Iterable[Mute]) -> Mute | None:
    """The first mute that holds for an alert; None where it is to be heard."""
    return next((mute for mute in mutes if holds(mute, member)), None)


def holds(mute: Mute, member: Member) -> bool:
    """Whether an alert is muted."""
    return (
        mute.begins <= member.start < mute.until
        and mute.lane == member.lane
        and mute.rule in ("", member.rule)
        and mute.kind in ("", member.kind)
        and (not mute.source or _within(mute, mute.source, (member.source,)))
        and (not mute.target or _within(mute, mute.target, member.targets))
        and member.severity <= mute.severity
        and member.stage <= mute.stage
        and member.importance <= mute.importance
    )


def active(asked: Reading) -> list[Mute]:
    """Every mute there is or was, by id: what was muted then stays muted."""
    found: list[Mute] = []
    after: tuple[int, str] | None = None
    while docs := asked.page("mute", limit=_PAGE, after=after):
        found += [doc.read(Mute) for doc in docs]
        after = (docs[-1].at, docs[-1].id)
    return sorted(found, key=lambda mute: mute.id)


def _within(mute: Mute, prefix: str, hosts: Sequence[str]) -> bool:
    """Whether all hosts (`domain/address`, at least one) lie in a prefix of the mute's domain."""
    network = _network(prefix)
    for host in hosts:
        domain, _, text = host.rpartition("/")
        if not text or mute.domain not in ("", domain):
            return False
        address = ipaddress.ip_address(text)
        if address.version != network.version or address not in network:
            return False
    return bool(hosts)


def _canonical(text: str) -> str:
    if not text:
        return ""
    network = ipaddress.ip_network(text, strict=True)
    return str(network.network_address) if network.num_addresses == 1 else str(network)


@lru_cache(maxsize=4096)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


FORM = Form(
    kind="mute", type=Mute, at=lambda mute: mute.made,
    refs=lambda mute: (f"rule:{mute.rule}",) if mute.rule else (),
    target=lambda doc_id, _: Target("mute", doc_id),
)  # fmt: skip
