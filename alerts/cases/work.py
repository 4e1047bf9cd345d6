"""What people make of a case: its life cycle, 研判—处置—关闭, and everything they write down.

A case's work is a document of its own, bound to the alert the case began with when somebody first touched
it. Every change is a step; steps are never changed. Times are wall clock in ns unless said otherwise.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from alerts.cases.facts import Case
from alerts.desk import Form, Unfit
from citywall.permissions import Target

Status = Literal["new", "triage", "handling", "resolved", "closed"]
STATUSES: tuple[str, ...] = get_args(Status)
Outcome = Literal["", "handled", "false_positive", "duplicate", "accepted", "no_effect"]
OUTCOMES: tuple[str, ...] = tuple(o for o in get_args(Outcome) if o)
#: Levels of GB/T 20986-2023, the gravest first: 特别重大, 重大, 较大, 一般.
Level = Literal["", "extraordinary", "major", "significant", "general"]
LEVELS: tuple[str, ...] = tuple(level for level in get_args(Level) if level)
#: The reports of the CAC's measure: the first, supplements, and the summary.
Report = Literal["first", "supplement", "summary"]
REPORTS: tuple[str, ...] = get_args(Report)
#: From a status to those that may follow, the way on before the way back. Closing has rules of its own
#: (`closed`), so has what follows it.
_NEXT: dict[str, tuple[str, ...]] = {
    "new": ("triage", "handling"),
    "triage": ("handling", "resolved"),
    "handling": ("resolved", "triage"),
    "resolved": ("handling",),
    "closed": (),
}
MAX_TEXT = 8192
MAX_NAME = 200
MAX_STEPS = 5000


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of evidence that somebody named: where it is, and the digests of what it was then."""

    ref: str
    sm3: str = ""
    sha256: str = ""
    bytes: int = 0


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that somebody did. `time` is when what it tells of happened, where that differs from `at`."""

    at: int
    by: str
    what: Literal["begin", "assign", "comment", "status", "grade", "known", "evidence", "report", "close",
                  "reopen"]  # fmt: skip
    text: str = ""
    value: str = ""
    time: int = 0
    evidence: Evidence | None = None


class Seen(msgspec.Struct, frozen=True):
    """How a case stood when it was closed: what rises above it afterwards opens it again."""

    severity: int
    stage: int
    importance: int
    alerts: int


class Work(msgspec.Struct, frozen=True):
    """What people made of a case. `known_at` is when it was known to us (发现或获知), 0 while unseen."""

    case: str
    seed: str
    lane: str = "live"
    units: tuple[str, ...] = ()
    begun: int = 0
    status: Status = "new"
    owner: str = ""
    level: Level = ""
    known_at: int = 0
    handled_at: int = 0  # handling ended: the summary's thirty days begin
    outcome: Outcome = ""
    seen: Seen | None = None
    history: tuple[Step, ...] = ()

    @property
    def reports(self) -> tuple[Step, ...]:
        """Reports that were made, oldest first."""
        return tuple(s for s in self.history if s.what == "report")


def following(work: Work) -> tuple[str, ...]:
    """Statuses that may follow on the present one, closing apart."""
    return _NEXT[work.status]


def fresh(case: Case) -> Work:
    """Work that nobody has done yet."""
    return Work(case.id, case.seed, case.lane, case.units)


def begun(work: Work, by: str, now: int) -> Work:
    """The work as somebody touches it: from the first touch on the incident is known."""
    if work.begun:
        return work
    return _with(work, Step(now, by, "begin"), begun=now, known_at=work.known_at or now)


def assigned(work: Work, by: str, now: int, owner: str) -> Work:
    """With another owner; "" for nobody."""
    if len(owner) > MAX_NAME or not owner.isprintable():
        raise Unfit("bad_name", most=MAX_NAME)
    return _with(_open(work), Step(now, by, "assign", value=owner), owner=owner)


def commented(work: Work, by: str, now: int, text: str, key: str = "") -> Work:
    """With a comment; also on what is closed. One of a `key` that is there already changes nothing."""
    if key and any(step.what == "comment" and step.value == key for step in work.history):
        return work
    return _with(work, Step(now, by, "comment", text=_text(text), value=key))


def moved(work: Work, by: str, now: int, status: str, text: str = "") -> Work:
    """In another status; raises Unfit where it does not follow on the present one."""
    if status not in _NEXT[work.status]:
        raise Unfit("no_such_move", before=work.status, after=status)
    step = Step(now, by, "status", value=status, text=_text(text, empty=True))
    handled = now if status == "resolved" else 0 if status == "handling" else work.handled_at
    return _with(work, step, status=status, handled_at=handled)


def graded(work: Work, by: str, now: int, level: str, text: str) -> Work:
    """Of a level of GB/T 20986; `text` says why."""
    if level not in LEVELS:
        raise Unfit("no_such_level", levels=", ".join(LEVELS))
    return _with(_open(work), Step(now, by, "grade", value=level, text=_text(text)), level=level)


def known(work: Work, by: str, now: int, known_at: int, text: str) -> Work:
    """Known since another time, never a later one: what was known cannot be made unknown."""
    if known_at > now:
        raise Unfit("in_the_future")
    if work.known_at and known_at > work.known_at:
        raise Unfit("known_before")
    return _with(work, Step(now, by, "known", time=known_at, text=_text(text)), known_at=known_at)


def evidenced(work: Work, by: str, now: int, evidence: Evidence, text: str = "") -> Work:
    """With a piece of evidence more."""
    if not 0 < len(evidence.ref) <= 1024:
        raise Unfit("bad_text", most=1024)
    return _with(work, Step(now, by, "evidence", text=_text(text, empty=True), evidence=evidence))


def reported(work: Work, by: str, now: int, *, report: str, made_at: int, text: str) -> Work:
    """Reported to the authorities at a time; `text` says to whom and by which channel."""
    if report not in REPORTS:
        raise Unfit("no_such_report", reports=", ".join(REPORTS))
    if made_at > now:
        raise Unfit("in_the_future")
    if report != "first" and not any(s.value == "first" for s in work.reports):
        raise Unfit("no_first_report")
    return _with(work, Step(now, by, "report", value=report, time=made_at, text=_text(text)))


def closed(work: Work, by: str, now: int, *, outcome: str, text: str, case: Case) -> Work:
    """Closed with an outcome and a conclusion. What was handled must have been resolved first."""
    if work.status == "closed":
        raise Unfit("closed_already")
    if outcome not in OUTCOMES:
        raise Unfit("no_such_outcome", outcomes=", ".join(OUTCOMES))
    if outcome == "handled" and work.status != "resolved":
        raise Unfit("not_resolved")
    seen = Seen(case.severity, case.stage, case.importance, len(case.members))
    step = Step(now, by, "close", value=outcome, text=_text(text))
    return _with(work, step, status="closed", outcome=outcome, seen=seen, handled_at=work.handled_at or now)


def reopened(work: Work, by: str, now: int, text: str) -> Work:
    """In triage again."""
    if work.status != "closed":
        raise Unfit("not_closed")
    step = Step(now, by, "reopen", text=_text(text))
    return _with(work, step, status="triage", outcome="", seen=None, handled_at=0)


def resurged(work: Work, case: Case) -> bool:
    """Whether a closed case has become worse than it was when it was closed."""
    seen = work.seen
    return seen is not None and (
        case.severity > seen.severity or case.stage > seen.stage or case.importance > seen.importance
    )


def _open(work: Work) -> Work:
    if work.status == "closed":
        raise Unfit("closed_already")
    return work


def _with(work: Work, step: Step, **changes: object) -> Work:
    if len(work.history) >= MAX_STEPS:
        raise Unfit("too_many_steps", most=MAX_STEPS)
    return msgspec.structs.replace(work, history=(*work.history, step), **changes)


def _text(text: str, *, empty: bool = False) -> str:
    if len(text) > MAX_TEXT or not (empty or text.strip()):
        raise Unfit("bad_text", most=MAX_TEXT)
    return text


FORM = Form(
    kind="work", type=Work, at=lambda work: work.begun,
    refs=lambda work: (f"alert:{work.seed}",),
    target=lambda _, work: Target("case", work.case, work.units[0] if work.units else ""),
)  # fmt: skip
