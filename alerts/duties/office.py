"""Notices and warnings of a data folder: numbered, issued, answered, found again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from alerts.desk import Desk, Form, Kept, read
from alerts.documents import ABSENT, Documents, Writing
from alerts.duties import notices, numbering, warnings
from alerts.duties.notices import Notice
from alerts.duties.warnings import Warning  # noqa: A004  (the standard's word)
from citywall.errors import StoreConflict, StoreError
from citywall.permissions import LIAISON, Identity, Target

_PAGE = 200
T = TypeVar("T", Notice, Warning)
_FORMS: dict[type, Form] = {Notice: notices.FORM, Warning: warnings.FORM}


class Office:
    """Issues notices and warnings, whose numbers begin with `sender_code` (14 digits)."""

    def __init__(self, documents: Documents, sender_code: str) -> None:
        self.documents = documents
        self._sender_code = sender_code

    def issue_notice(self, desk: Desk, by: Identity, draft: Notice) -> Kept[Notice]:
        """Number a draft and send it on its way; its id, letter, year and issuer are made here."""
        return self._issue(desk, by, "notices.issue", notices.FORM, draft, notices.checked, draft.unit)

    def issue_warning(self, desk: Desk, by: Identity, draft: Warning) -> Kept[Warning]:
        """Number a draft and put it in force; its id, letter, year and issuer are made here."""
        return self._issue(desk, by, "warnings.issue", warnings.FORM, draft, warnings.checked, "")

    def change(
        self, desk: Desk, by: Identity, action: str, kept: Kept[T], step: Callable[[T, int], T], *, what: str
    ) -> Kept[T]:  # fmt: skip
        """Let somebody take a step on what they saw as `kept`. Raises Refused and StoreConflict."""
        return desk.change(
            by, action, _FORMS[type(kept.body)], kept.id, version=kept.version, detail={"step": what},
            make=lambda body, _, now: step(body, now),
        )  # fmt: skip

    def notice(self, name: str) -> Kept[Notice]:
        """The notice of an id or serial on paper; raises StoreError where there is none."""
        return self._one(notices.FORM, name)

    def warning(self, name: str) -> Kept[Warning]:
        """The warning of an id or serial on paper; raises StoreError where there is none."""
        return self._one(warnings.FORM, name)

    def notices(self) -> Iterator[Kept[Notice]]:
        """All notices, newest first."""
        return self._all(notices.FORM)

    def warnings(self) -> Iterator[Kept[Warning]]:
        """All warnings, newest first."""
        return self._all(warnings.FORM)

    def _all(self, form: Form) -> Iterator[Kept[Any]]:
        after: tuple[int, str] | None = None
        while docs := self.documents.page(form.kind, limit=_PAGE, after=after):
            yield from (read(form, doc) for doc in docs)
            after = (docs[-1].at, docs[-1].id)

    def _one(self, form: Form, name: str) -> Kept[Any]:
        doc = self.documents.get(form.kind, name)
        if doc is not None:
            return read(form, doc)
        found = [kept for kept in self._all(form) if kept.body.letter == name]
        if len(found) != 1:
            raise StoreError(f"there is no {form.kind} {name}")
        return found[0]

    def _issue(  # noqa: PLR0917
        self, desk: Desk, by: Identity, action: str, form: Form, draft: T, check: Callable[[T], T], unit: str
    ) -> Kept[T]:  # fmt: skip
        """A number is taken in the transaction that writes what carries it: none is given twice."""
        serial = 1 + sum(1 for _ in self._of_year(self.documents, form, numbering.year(draft.issued)))
        doc_id = numbering.number(self._sender_code, draft.issued, serial)
        numbered = msgspec.structs.replace(
            draft,
            id=doc_id,
            letter=numbering.letter(draft.issued, serial),
            issuer=by.user,
            year=numbering.year(draft.issued),
        )

        def make(_body: object, writing: Writing, _now: int) -> T:
            if len(self._of_year(writing, form, numbering.year(draft.issued))) + 1 != serial:
                raise StoreConflict("another was numbered in between: issue it again")
            return check(numbered)

        target = Target(form.kind, doc_id, unit)
        return desk.change(by, action, form, doc_id, version=ABSENT, make=make, target=target)

    def _of_year(self, asked: Any, form: Form, year: str) -> list[Any]:
        return list(asked.find(form.kind, (year,)))


def visible(identity: Identity | None, body: Notice | Warning) -> bool:
    """Whether somebody who may read these may read this one: a liaison sees what is for their own unit."""
    if identity is None or LIAISON not in identity.roles:
        return True
    return body.concerns(identity.unit) if isinstance(body, Warning) else body.unit == identity.unit
