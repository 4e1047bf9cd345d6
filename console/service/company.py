"""What works beside the stream in the service: the socket, playbooks, what is done by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from citywall.errors import DataFolderError
from citywall.settings import Settings

if TYPE_CHECKING:
    from console.terminal import Terminal
    from stream.service import Company


def need_accounts(data: Path, look: Terminal) -> None:
    """Raise DataFolderError where nobody could log in."""
    from trust.accountfile import AccountFile

    if not AccountFile(data).everyone():
        raise DataFolderError(look.tr("up.no_accounts", path=data))


@contextmanager
def company(data: Path, settings: Settings) -> Iterator[Company]:
    """Everything open, for as long as the service runs. Raises DataFolderBusy, SettingsError."""
    from console.caller import Office
    from console.commands.playbooks import world_of
    from console.service import jobs
    from console.service.server import Server
    from playbooks import desk as room
    from playbooks.triggers import Triggers
    from stream.service import Company

    triggers = Triggers(data, settings, case_of=lambda alert: jobs.case_of(data, settings, alert))
    with room.opened(data, settings, world_of(data, settings)) as (accounts, desk):
        office = Office(data, settings, accounts, desk)
        with Server(office):
            yield Company(jobs.of(office, triggers), triggers.acknowledged)
