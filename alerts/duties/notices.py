"""The notice loop: 通报, 签收, 整改, 复测, 销号.

A notice tells a unit what is wrong and until when it is to be put right. The unit's liaison acknowledges it
and answers what was done; whoever issued it tests again: passed, it is struck off; failed, the unit answers
anew. Every change is a step; steps are never changed. Times are wall clock in ns.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from alerts.desk import Form, Unfit
from alerts.duties import numbering
from citywall.permissions import Target

Status = Literal["issued", "received", "rectified", "failed", "passed", "closed"]
STATUSES: tuple[str, ...] = get_args(Status)
Kind = Literal["incident", "weakness", "violation"]
KINDS: tuple[str, ...] = get_args(Kind)
MAX_TITLE = 200
MAX_TEXT = 8192


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that somebody did."""

    at: int
    by: str
    what: Literal["issue", "receive", "rectify", "retest", "close", "extend"]
    text: str = ""
    value: str = ""


class Notice(msgspec.Struct, frozen=True):
    """A notice. `receipt_due` and `due` are until when it is to be acknowledged and put right."""

    lane: str
    unit: str
    unit_name: str
    title: str
    kind: Kind
    findings: str
    demands: str
    issued: int
    receipt_due: int
    due: int
    sender: str = ""  # the office that signs
    level: str = ""
    contact: str = ""
    cases: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    id: str = ""
    letter: str = ""
    issuer: str = ""  # the account
    year: str = ""
    status: Status = "issued"
    history: tuple[Step, ...] = ()

    @property
    def actual(self) -> str:
        """CAP's status: Actual, Exercise or Test."""
        return numbering.STATUSES[self.lane]

    def overdue(self, now: int) -> Literal["", "receipt", "rectify"]:
        """What the unit owes and has not done in time."""
        if self.status == "issued" and now > self.receipt_due:
            return "receipt"
        return "rectify" if self.status in ("issued", "received", "failed") and now > self.due else ""


def checked(notice: Notice) -> Notice:
    """The notice itself; raises Unfit where it cannot go out."""
    for text, most in ((notice.title, MAX_TITLE), (notice.findings, MAX_TEXT), (notice.demands, MAX_TEXT)):
        if not text.strip() or len(text) > most:
            raise Unfit("bad_text", most=most)
    if not notice.unit:
        raise Unfit("no_unit")
    if not notice.issued < notice.receipt_due <= notice.due:
        raise Unfit("due_in_disorder")
    step = Step(notice.issued, notice.issuer, "issue", value=str(notice.due))
    return msgspec.structs.replace(notice, status="issued", history=(step,))


def received(notice: Notice, by: str, now: int, text: str = "") -> Notice:
    """Acknowledged by the unit (签收)."""
    return _next(notice, ("issued",), "received", Step(now, by, "receive", text=_text(text, empty=True)))


def rectified(notice: Notice, by: str, now: int, text: str) -> Notice:
    """Answered by the unit: what was done (整改)."""
    return _next(notice, ("received", "failed"), "rectified", Step(now, by, "rectify", text=_text(text)))


def retested(notice: Notice, by: str, now: int, text: str, *, passed: bool) -> Notice:
    """Tested again (复测)."""
    status: Status = "passed" if passed else "failed"
    return _next(notice, ("rectified",), status, Step(now, by, "retest", text=_text(text), value=status))


def closed(notice: Notice, by: str, now: int, text: str) -> Notice:
    """Struck off (销号): after it was tested again and passed."""
    return _next(notice, ("passed",), "closed", Step(now, by, "close", text=_text(text)))


def extended(notice: Notice, by: str, now: int, due: int, text: str) -> Notice:
    """With another term, for a reason."""
    if due <= now:
        raise Unfit("in_the_past")
    step = Step(now, by, "extend", text=_text(text), value=str(due))
    after = _next(notice, ("issued", "received", "failed"), notice.status, step)
    return msgspec.structs.replace(after, due=due)


def _next(notice: Notice, before: tuple[str, ...], after: Status, step: Step) -> Notice:
    if notice.status not in before:
        raise Unfit("no_such_move", before=notice.status, after=step.what)
    return msgspec.structs.replace(notice, status=after, history=(*notice.history, step))


def _text(text: str, *, empty: bool = False) -> str:
    if len(text) > MAX_TEXT or not (empty or text.strip()):
        raise Unfit("bad_text", most=MAX_TEXT)
    return text


FORM = Form(
    kind="notice", type=Notice, at=lambda notice: notice.issued,
    refs=lambda n: (n.year, f"unit:{n.unit}", f"status:{n.status}", *(f"case:{c}" for c in n.cases)),
    target=lambda doc_id, notice: Target("notice", doc_id, notice.unit),
)  # fmt: skip
