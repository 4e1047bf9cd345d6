"""Warnings in four colours, with the seven fields of GB/T 32924-2016; raised, lowered and lifted.

Red, orange, yellow and blue stand for 特别重大, 重大, 较大 and 一般. What is issued here is internal;
warnings of an authority are relayed, with its name. Times are wall clock in ns.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from alerts.desk import Form, Unfit
from alerts.duties import numbering
from citywall.permissions import Target

#: The gravest first.
Colour = Literal["red", "orange", "yellow", "blue"]
COLOURS: tuple[str, ...] = get_args(Colour)
#: What a warning says besides its colour, in the order of the guide: 事件性质, 威胁方式, 影响范围, 涉及对象,
#: 影响程度, 防范对策.
FIELDS = ("nature", "threat", "scope", "objects", "impact", "measures")
MAX_TEXT = 4096
MAX_TITLE = 200


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that somebody did."""

    at: int
    by: str
    what: Literal["issue", "upgrade", "downgrade", "lift"]
    text: str = ""
    colour: str = ""


class Warning(msgspec.Struct, frozen=True):  # noqa: A001  (the standard's word)
    """A warning. `until` is when it ends by itself, 0 for never; `authority` says whose it is."""

    lane: str
    title: str
    colour: Colour
    nature: str
    threat: str
    scope: str
    objects: str
    impact: str
    measures: str
    issued: int
    sender: str = ""
    authority: Literal["internal", "relayed"] = "internal"
    source: str = ""  # the authority whose warning is relayed
    until: int = 0
    units: tuple[str, ...] = ()  # whom it concerns; empty for all
    cases: tuple[str, ...] = ()
    id: str = ""
    letter: str = ""
    issuer: str = ""  # the account
    year: str = ""
    lifted: int = 0
    history: tuple[Step, ...] = ()

    @property
    def actual(self) -> str:
        """CAP's status: Actual, Exercise or Test."""
        return numbering.STATUSES[self.lane]

    def in_force(self, now: int) -> bool:
        """Whether it holds."""
        return not self.lifted and (not self.until or now < self.until)

    def concerns(self, unit: str) -> bool:
        """Whether it is for a unit."""
        return not self.units or unit in self.units


def checked(warning: Warning) -> Warning:
    """The warning itself; raises Unfit where it cannot be issued."""
    if warning.colour not in COLOURS:
        raise Unfit("no_such_colour", colours=", ".join(COLOURS))
    for name in FIELDS:
        text = getattr(warning, name)
        if not text.strip() or len(text) > MAX_TEXT:
            raise Unfit("warning_field", field=name, most=MAX_TEXT)
    if not warning.title.strip() or len(warning.title) > MAX_TITLE:
        raise Unfit("bad_text", most=MAX_TITLE)
    if (warning.authority == "relayed") != bool(warning.source):
        raise Unfit("relayed_source")
    if warning.until and warning.until <= warning.issued:
        raise Unfit("in_the_past")
    step = Step(warning.issued, warning.issuer, "issue", colour=warning.colour)
    return msgspec.structs.replace(warning, lifted=0, history=(step,))


def recoloured(warning: Warning, by: str, now: int, colour: str, text: str) -> Warning:
    """Raised or lowered."""
    _in_force(warning, now)
    if colour not in COLOURS or colour == warning.colour:
        raise Unfit("no_such_colour", colours=", ".join(c for c in COLOURS if c != warning.colour))
    what: Literal["upgrade", "downgrade"] = (
        "upgrade" if COLOURS.index(colour) < COLOURS.index(warning.colour) else "downgrade"
    )
    step = Step(now, by, what, text=_text(text), colour=colour)
    return msgspec.structs.replace(warning, colour=colour, history=(*warning.history, step))


def lifted(warning: Warning, by: str, now: int, text: str) -> Warning:
    """Ended."""
    _in_force(warning, now)
    step = Step(now, by, "lift", text=_text(text))
    return msgspec.structs.replace(warning, lifted=now, history=(*warning.history, step))


def _in_force(warning: Warning, now: int) -> None:
    if not warning.in_force(now):
        raise Unfit("not_in_force")


def _text(text: str) -> str:
    if not text.strip() or len(text) > MAX_TEXT:
        raise Unfit("bad_text", most=MAX_TEXT)
    return text


FORM = Form(
    kind="warning", type=Warning, at=lambda warning: warning.issued,
    refs=lambda w: (w.year, *(f"unit:{unit}" for unit in w.units), *(f"case:{c}" for c in w.cases)),
    target=lambda doc_id, warning: Target("warning", doc_id, warning.units[0] if warning.units else ""),
)  # fmt: skip
