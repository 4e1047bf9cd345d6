"""Rules over packets that pass: what the `detect` stage keeps of a live session's, and how it goes on.

The packets come as blocks with their bytes on the topic `packets`, said by the first partition of `capture`.
What rules have in mind of connections cannot be saved. After a restart the newest blocks that were matched
before are read again (`stream.keeping`), as many as the log keeps; what is found in them is not told anew.
Where a session is longer than that, rules do not remember what was before: that is told and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from citywall.findings import Finding
from citywall.sessions import LIVE, Session
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.decode.blocks import InlineBlock
from stream import codecs
from stream.board import Heard

log = logging.getLogger(__name__)

#: The kinds of session whose blocks carry their bytes.
INLINE = (LIVE, "sensor")


class LiveRules(Protocol):
    """Rules over one session's packets. `clock`: nothing more is found before it; `count`: alerts so far."""

    clock: int
    count: int

    def take(self, block: InlineBlock) -> list[Finding]:
        """What they find in its packets and before, in order."""
        ...

    def end(self) -> list[Finding]:
        """What they find when there are no more packets."""
        ...


#: Makes them.
Passing = Callable[[Session], LiveRules]


class Mark(msgspec.Struct, array_like=True):
    """What a checkpoint says of a session: blocks that were matched, alerts in them, event time reached."""

    blocks: int = 0
    alerts: int = 0
    clock: int = BEGINNING
    over: bool = False


class Hearing:
    """Rules at work in one live session, from its beginning or from where a checkpoint stood."""

    def __init__(self, session: Session, make: Passing, mark: Mark | None = None) -> None:
        self.mark = msgspec.structs.replace(mark) if mark is not None else Mark()
        self._session = session
        self._rules = make(session)
        self._recalling = self.mark.blocks > 0
        self._due = 0  # the block that is to be read again next
        self._again = self._missing = 0

    @property
    def heard(self) -> int:
        """Nothing more is found before it."""
        return END_OF_TIME if self.mark.over else self.mark.clock

    def health(self) -> Heard:
        """How far it is."""
        mark = self.mark
        return Heard(
            self._session.path, self._session.id, mark.blocks, mark.clock, self._again, self._missing,
            self._recalling, mark.over,
        )  # fmt: skip

    def take(self, body: memoryview) -> list[Finding]:
        """What rules find in the next block."""
        self._go_on()
        self.mark.blocks += 1
        found = self._rules.take(codecs.unpack(body, InlineBlock))
        self.mark.alerts, self.mark.clock = self._rules.count, self._rules.clock
        return found

    def end(self) -> list[Finding]:
        """What they find when the session is over."""
        self._go_on()
        self.mark.over = True
        return self._rules.end()

    def again(self, number: int, body: memoryview) -> None:
        """A block that was matched before the restart."""
        if not self._recalling or not self._due <= number < self.mark.blocks:
            return
        if not self._due:
            self._missing = number
        self._due = number + 1
        self._again += 1
        self._rules.take(codecs.unpack(body, InlineBlock))

    def _go_on(self) -> None:
        """What comes now was not matched before: alerts are numbered on from those that were told."""
        if self._recalling:
            self._recalling = False
            self._missing = self._missing or (0 if self._again else self.mark.blocks)
            if self._missing:
                log.warning(
                    "%s: of %d blocks that were matched before the restart the first %d are kept no more:"
                    " rules do not remember what was in them",
                    self._session.path, self.mark.blocks, self._missing,
                )  # fmt: skip
            self._rules.count = max(self._rules.count, self.mark.alerts)
            self._rules.clock = max(self._rules.clock, self.mark.clock)
