"""Where runs of playbooks are kept: in a file of the data folder, or beside alerts on a server."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from citywall.settings import Settings
from playbooks.cacao import Playbook
from playbooks.events import Event
from playbooks.state import Run

#: Later than every run.
NEVER = (1 << 63) - 1


class Stored(NamedTuple):
    """A run as it was read, and the version that a change of it must name."""

    run: Run
    version: int


class RunWriting(Protocol):
    """What is read and written in one transaction."""

    def get(self, id_: str) -> Stored | None:
        """A run; None where there is none."""
        ...

    def put(self, run: Run, event: Event, now: int, version: int) -> Stored:
        """Write an event and the run after it; raises StoreConflict where the run is not at `version`."""
        ...

    def keep_book(self, digest: str, document: dict[str, Any]) -> None:
        """Keep a playbook as it is now."""
        ...

    @property
    def audited(self) -> int | None:
        """Number of the audit log's last record of an event in this store; None in a store just made."""
        ...

    @audited.setter
    def audited(self, n: int) -> None: ...


class Runs(Protocol):
    """A store of runs. `version` is the number of a run's last event, which a change names.

    Every method raises StoreError where the store fails.
    """

    @property
    def there(self) -> bool:
        """Whether anything was ever written."""
        ...

    def get(self, id_: str) -> Stored | None:
        """A run; None where there is none."""
        ...

    def everything(self, limit: int = -1, *, since: int = 0, until: int = NEVER) -> list[Stored]:
        """Runs that were asked for in `[since, until)` (ns), newest first."""
        ...

    def due(self, now: int) -> list[Stored]:
        """Runs that something may be due in: those that go on, and those whose effects end."""
        ...

    def holding(self) -> list[Stored]:
        """Runs with effects that stand and can be taken back."""
        ...

    def journal(self, id_: str) -> list[tuple[int, Event]]:
        """The events of a run, each with its time."""
        ...

    def books(self, run: Run) -> dict[str, Playbook]:
        """The playbooks a run is bound to, by digest."""
        ...

    def writing(self) -> AbstractContextManager[RunWriting]:
        """One transaction: on disk when it ends, undone where anything is raised."""
        ...


def runs_of(data: Path, settings: Settings) -> Runs:
    """The runs that belong to the store of the alerts. Raises StoreError."""
    if settings.store_embedded:
        from playbooks.runfile import RunFile

        return RunFile(data)
    from alerts.documents import served
    from playbooks.rundocs import RunDocuments

    return RunDocuments(served(settings.store, settings.elasticsearch, "runs"))
