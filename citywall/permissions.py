"""Who may do what: a pure rule over (identity, action, target), the same for service, console and commands.

Three duties are kept apart, as GB/T 22239-2019 8.1.5.1 to 8.1.5.3 asks (三员分立): the administrator runs the
system and its accounts, the approver answers for what is done with it, the auditor looks on. Whatever is
not allowed here is refused. A refusal is a code, a key of the catalogue's section `refused`.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

ADMINISTRATOR = "administrator"
ANALYST = "analyst"
APPROVER = "approver"
LIAISON = "liaison"
AUDITOR = "auditor"
VIEWER = "viewer"
#: The roles that accounts can have, in the order in which they are written down.
ROLES = (ADMINISTRATOR, ANALYST, APPROVER, LIAISON, AUDITOR, VIEWER)
#: Who works on the data folder itself, with the rights of the operating system: no account has this role.
LOCAL = "local"
#: The service itself, where it begins something: no account has this role, nor its name.
SERVICE = "service"

_WATCHING = (ANALYST, APPROVER, AUDITOR, VIEWER)
_WORKING = (ANALYST, APPROVER)

#: Action to the roles that may take it. A liaison's are further bound to what belongs to its unit.
PERMISSIONS: dict[str, frozenset[str]] = {
    action: frozenset(roles)
    for action, roles in {
        "accounts.init": (LOCAL,),
        "accounts.list": (ADMINISTRATOR, AUDITOR, LOCAL),
        "accounts.add": (ADMINISTRATOR,),
        "accounts.roles": (ADMINISTRATOR,),
        "accounts.disable": (ADMINISTRATOR,),
        "accounts.enable": (ADMINISTRATOR,),
        "accounts.reset": (ADMINISTRATOR,),
        "accounts.passwd": ROLES,
        "audit.list": (AUDITOR, LOCAL),
        "audit.verify": (AUDITOR, LOCAL),
        "audit.retain": (AUDITOR,),
        "settings.change": (ADMINISTRATOR,),
        "service.control": (ADMINISTRATOR,),
        "alerts.read": _WATCHING,
        "alerts.work": _WORKING,
        "alerts.mute": _WORKING,
        "rules.change": (*_WORKING, LOCAL),
        "flows.read": _WATCHING,
        "cases.read": (*_WATCHING, LIAISON),
        "cases.work": (*_WORKING, SERVICE),
        "cases.close": _WORKING,
        "assets.read": (ADMINISTRATOR, *_WATCHING, LIAISON),
        "assets.change": (ADMINISTRATOR, ANALYST),
        "portals.probe": (ADMINISTRATOR, *_WORKING),
        "portals.accept": _WORKING,
        "posture.read": (*_WATCHING, LIAISON),
        "warnings.read": (*_WATCHING, LIAISON),
        "warnings.issue": (APPROVER,),
        "notices.read": (*_WATCHING, LIAISON),
        "notices.issue": _WORKING,
        "notices.answer": (LIAISON,),
        "notices.close": _WORKING,
        "playbooks.read": _WATCHING,
        "playbooks.change": (APPROVER,),
        "playbooks.request": (*_WORKING, SERVICE),
        "playbooks.approve": (APPROVER,),
        "playbooks.rollback": _WORKING,
        "drills.read": _WATCHING,
        "drills.run": _WORKING,
        "reports.read": _WATCHING,
        "reports.make": (ANALYST, APPROVER, AUDITOR, SERVICE),
    }.items()
}
#: What nobody does to an account of their own: rights are another administrator's to change.
_NOT_TO_ONESELF = frozenset({"accounts.roles", "accounts.disable", "accounts.enable", "accounts.reset"})
_ONLY_TO_ONESELF = frozenset({"accounts.passwd"})


class Identity(msgspec.Struct, frozen=True):
    """Who acts: an account that has logged in, with `via` saying from where. `unit` binds a liaison."""

    user: str
    roles: tuple[str, ...]
    unit: str = ""
    via: str = ""

    @property
    def role(self) -> str:
        """The roles in one word, `analyst+approver`."""
        return "+".join(self.roles)


#: Who the service is.
OURSELVES = Identity("citywall", (SERVICE,), via="service")


class Target(msgspec.Struct, frozen=True):
    """What is acted on: `kind` and `id`, and the unit (委办局) it belongs to, if it belongs to one."""

    kind: str
    id: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


def refusal(identity: Identity, action: str, target: Target) -> str | None:
    """Why `identity` may not take `action` on `target`; None where it may."""
    allowed = PERMISSIONS.get(action)
    if allowed is None:
        return "unknown_action"
    held = allowed.intersection(identity.roles)
    if not held:
        return "role"
    if held == {LIAISON} and action not in _ONLY_TO_ONESELF and (
        not identity.unit or target.unit != identity.unit
    ):  # fmt: skip
        return "other_unit"
    own = target == Target("account", identity.user)
    if own and action in _NOT_TO_ONESELF:
        return "own_account"
    if not own and action in _ONLY_TO_ONESELF:
        return "others_account"
    return None


def conflict(roles: Collection[str], unit: str) -> str | None:
    """Why one account may not have these roles and this unit; None where it may."""
    held = set(roles)
    if not held:
        return "no_role"
    if not held <= set(ROLES) or len(held) < len(roles):
        return "unknown_role"
    for alone in (ADMINISTRATOR, AUDITOR):
        if alone in held and not held <= {alone, VIEWER}:
            return "separate_duties"
    if LIAISON in held and held != {LIAISON}:
        return "liaison_alone"
    if (LIAISON in held) != bool(unit):
        return "unit"
    return None


def ordered(roles: Collection[str]) -> tuple[str, ...]:
    """Roles in the order in which they are written down."""
    return tuple(role for role in ROLES if role in roles)
