"""What is wrong with a file that people write: where it is, and why, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from citywall.i18n import tr

#: Faults of a file that a record of the audit log tells, and characters of each of their texts.
_MOST, _LONGEST = 20, 300


class Fault(msgspec.Struct, frozen=True):
    """One fault of a file. `line` is 1-based, 0 where it is of the file as a whole; `field` is dotted.

    The reason is the text `key` of the catalogue, filled in with `values`.
    """

    path: str
    line: int
    field: str
    key: str
    values: dict[str, str] = {}

    def reason(self, language: str) -> str:
        """Why it is a fault."""
        return tr(self.key, language, **self.values)

    def text(self, language: str) -> str:
        """File, line, field and reason in one line."""
        place = self.path + (tr("fault.at_line", language, line=self.line) if self.line else "")
        told = [place, self.field, self.reason(language)] if self.field else [place, self.reason(language)]
        return tr("fault.colon", language).join(told)


def audited(faults: Sequence[Fault]) -> dict[str, Any]:
    """Faults as the audit log has them: how many, and the first, cut to what a record may hold."""
    shown = [
        {"file": f.path[:_LONGEST], "line": f.line, "field": f.field[:_LONGEST],
         "reason": f.reason("en")[:_LONGEST]}
        for f in faults[:_MOST]
    ]  # fmt: skip
    return {"count": len(faults), "faults": shown}
