"""Approval by somebody else (双人复核): a pure rule over what was asked and who has said yes.

An approval names the digest of what its giver saw. If the object changes, earlier approvals no longer
stand. Who asks may not approve; two approvals are two people's. A refusal is a code of the catalogue's
section `refused`.
"""

from __future__ import annotations

import msgspec

from citywall.permissions import Identity, Target, refusal


class Approval(msgspec.Struct, frozen=True):
    """One yes: by whom, when (ns of wall clock), to an object of which digest in which revision."""

    by: str
    at: int
    digest: str
    revision: int = 0


class Request(msgspec.Struct, frozen=True):
    """What is to be approved: `action` is the permission an approver needs, `needed` how many approve.

    `revision` counts the object's changes since it was asked for.
    """

    id: str
    target: Target
    digest: str
    requester: str
    action: str = "playbooks.approve"
    needed: int = 1
    revision: int = 0
    approvals: tuple[Approval, ...] = ()


def standing(request: Request) -> tuple[Approval, ...]:
    """The approvals that count: of the object as it is now, one a person, none the requester's."""
    first: dict[str, Approval] = {}
    for approval in request.approvals:
        seen = (approval.digest, approval.revision)
        if seen == (request.digest, request.revision) and approval.by != request.requester:
            first.setdefault(approval.by, approval)
    return tuple(first.values())


def approved(request: Request) -> bool:
    """Whether enough people have said yes to the object as it is now."""
    return len(standing(request)) >= max(request.needed, 1)


def approval_refusal(request: Request, approver: Identity, seen: str) -> str | None:
    """Why `approver`, who saw the object with digest `seen`, may not approve now; None where they may."""
    if reason := refusal(approver, request.action, request.target):
        return reason
    if approver.user == request.requester:
        return "own_request"
    if seen != request.digest:
        return "object_changed"
    if any(approval.by == approver.user for approval in standing(request)):
        return "approved_before"
    if approved(request):
        return "approved_already"
    return None


def approve(request: Request, approver: Identity, seen: str, at: int) -> Request:
    """The request with one approval more; raises ValueError(code) where `approval_refusal` names one."""
    if reason := approval_refusal(request, approver, seen):
        raise ValueError(reason)
    given = Approval(approver.user, at, seen, request.revision)
    return msgspec.structs.replace(request, approvals=(*request.approvals, given))


def changed(request: Request, digest: str) -> Request:
    """The request for an object that is now another.

    Earlier approvals stay on record and stand no more, not even where the object becomes again what it was.
    """
    return msgspec.structs.replace(request, digest=digest, revision=request.revision + 1)
