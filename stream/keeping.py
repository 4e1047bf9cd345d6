"""Topics of which the newest part is read again after a restart, for a stage whose state cannot be saved.

A checkpoint of such a stage stands for all that was read, but names an earlier offset: the log keeps what is
behind it, up to a bound, and gives it again when the stage is restored. The station knows these messages by
their numbers, and the stage makes its state of them and says nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stream.stages import Message

log = logging.getLogger(__name__)


class Recalling(Protocol):
    """A stage that wants messages again. `keeps`: the topics, and bytes of each that the log is to keep."""

    keeps: Mapping[str, int]

    def again(self, message: Message) -> None:
        """Take a message that was taken before. Ours alone to judge whether it is still wanted."""
        ...


class Tail:
    """The newest messages of a partition, up to `most` bytes; `first` is the offset of the oldest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sizes: deque[tuple[int, int]] = deque()
        self._bytes = 0

    @property
    def first(self) -> int | None:
        """None where nothing was read yet."""
        return self._sizes[0][0] if self._sizes else None

    def add(self, offset: int, size: int) -> None:
        """One message more; the oldest go where all are too much, but never the last."""
        self._sizes.append((offset, size))
        self._bytes += size
        while self._bytes > self._most and len(self._sizes) > 1:
            self._bytes -= self._sizes.popleft()[1]


def tails_of(stage: object) -> dict[str, Tail]:
    """A tail for each topic that a stage wants again."""
    keeps: Mapping[str, int] = getattr(stage, "keeps", {})
    return {topic: Tail(most) for topic, most in keeps.items()}


def again_of(stage: object, message: Message) -> None:
    """Give a message again. What was a reason to set it aside the first time is one to pass over it now."""
    again = getattr(stage, "again", None)
    try:
        if again is not None:
            again(message)
    except Exception as e:  # noqa: BLE001 (the message was judged when it came first)
        log.warning("%s: a message that was read again is passed over: %r", message.topic, e)
