"""The error tree. Every error a user can cause says where it is and what to do about it.

::

    CitywallError
    ├── UsageError            bad command line or arguments (exit code 2)
    │   └── SettingsError     a settings key that is unknown, of the wrong type or out of range
    ├── InputError            a file, message or interface that cannot be read (place: path, offset or line)
    │   └── UnsupportedInput  a format Citywall does not know
    ├── RuleFault             a rule that cannot be used (place: column; the parser adds file and line)
    ├── FaultyInput           files that people write (a register) and that are refused, with every fault
    ├── DataFolderError       the data folder is missing, full, damaged or held by another process
    │   └── DataFolderBusy
    ├── DrillError            a drill that is not there, was changed, or is not where a command needs it
    ├── ModelError            a model, or what it is to be trained or judged on, that cannot be used
    │   └── ModelRefused      a model file that was changed, is of a newer make, or lacks a feature
    ├── Refused               somebody may not do what they tried; the attempt is in the audit log
    ├── StreamError           the stream could not go on (transport, checkpoint, dead worker)
    │   ├── Misplaced         a worker lacks what its partitions need (a capture file)
    │   └── Interrupted       the engine must be started anew from its checkpoints
    └── StoreError            the alert store refused or failed
        ├── StoreUnavailable  the store cannot be reached or has no room now: the same may succeed later
        │   └── StoreStarting part of it has just been made and cannot be read yet
        ├── StoreConflict     somebody else changed it first
        └── QueryError        a query that cannot be parsed (place: column)
"""

from __future__ import annotations

from collections.abc import Sequence

from citywall.faults import Fault
from citywall.i18n import tr


class CitywallError(Exception):
    """Root of the tree; `str()` is a message fit for a user."""

    exit_code = 1


class UsageError(CitywallError):
    """Bad use of a command."""

    exit_code = 2


class UnknownAlert(UsageError):
    """There is no alert of that id, or none yet: some stores find what they have only after a moment."""

    def __init__(self, alert: str) -> None:
        super().__init__(f"there is no alert {alert}")


class SettingsError(UsageError):
    """A settings key cannot be used.

    `origin` is the file, environment variable or option it came from; `key` is dotted.
    """

    def __init__(self, origin: str, key: str, reason: str) -> None:
        super().__init__(f"{origin}: {key}: {reason}")
        self.origin = origin
        self.key = key
        self.reason = reason


class InputError(CitywallError):
    """Input that cannot be read, with its place.

    `offset` is a byte offset for binary files, `line` a 1-based line number for text.
    """

    def __init__(self, path: str, reason: str, *, offset: int | None = None, line: int | None = None) -> None:
        place = path
        if offset is not None:
            place += f" at byte {offset}"
        if line is not None:
            place += f", line {line}"
        super().__init__(f"{place}: {reason}")
        self.path = path
        self.reason = reason
        self.offset = offset
        self.line = line


class UnsupportedInput(InputError):
    """A file whose format is not known."""


class FaultyInput(CitywallError):
    """What people wrote has faults: it is refused whole, and all of them are told."""

    def __init__(self, place: str, faults: Sequence[Fault]) -> None:
        self.place = place
        self.faults = tuple(faults)
        super().__init__("\n".join([f"{place} is refused:", *(fault.text("en") for fault in faults)]))


class RuleFault(CitywallError):
    """A rule cannot be used; `column` is 1-based, 0 where whoever raises it does not know."""

    def __init__(self, reason: str, column: int = 0) -> None:
        super().__init__(f"column {column}: {reason}" if column else reason)
        self.reason = reason
        self.column = column


class DataFolderError(CitywallError):
    """The data folder cannot be used."""


class DataFolderBusy(DataFolderError):
    """Another process holds the data folder's lock."""


class DrillError(CitywallError):
    """A drill cannot do what is asked of it: `code` is a key of the catalogue's section `drill_error`."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.values = values
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """What is wrong, for its reader."""
        return tr(f"drill_error.{self.code}", language, **self.values)


class ModelError(CitywallError):
    """A model cannot do what is asked of it: `code` is a key of the catalogue's section `model_error`."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.values = values
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """What is wrong, for its reader."""
        return tr(f"model_error.{self.code}", language, **self.values)


class ModelRefused(ModelError):
    """A model file that is not taken: the stream goes on without it."""


class Refused(CitywallError):
    """An attempt that the rules do not allow.

    `code` is a key of the catalogue's section `refused`, `values` fill its text in; `who` tried to take
    `action` on `target`.
    """

    def __init__(self, code: str, who: str, action: str, target: str, **values: object) -> None:
        super().__init__(f"refused: {action} on {target} by {who}: {code}")
        self.code = code
        self.who = who
        self.action = action
        self.target = target
        self.values = values


class StreamError(CitywallError):
    """The stream cannot go on."""


class Misplaced(StreamError):
    """This worker lacks what its partitions need: others may have it."""


class Interrupted(StreamError):
    """The stream was interrupted, and goes on when the engine is started anew from its checkpoints."""


class StoreError(CitywallError):
    """The alert store refused or failed."""


class StoreUnavailable(StoreError):
    """The store cannot be reached, or is too busy: the same call may succeed later."""


class StoreStarting(StoreUnavailable):
    """Part of the store cannot be read yet, as it has just been made: the same call succeeds in a moment."""


class StoreConflict(StoreError):
    """What was to be changed is no longer as it was read."""


class QueryError(StoreError):
    """A query that cannot be parsed; `column` is 1-based."""

    exit_code = 2

    def __init__(self, query: str, column: int, reason: str) -> None:
        super().__init__(f"query, column {column}: {reason}: {query!r}")
        self.query = query
        self.column = column
        self.reason = reason


class NotSaved(CitywallError):
    """Rules that cannot be kept as bytes, or bytes that are no rules."""
