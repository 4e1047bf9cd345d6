"""The Faust application: each role behind an agent, acknowledged only behind its checkpoints."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import faust
from faust.tables.manager import TableManager as BaseTableManager

from stream.local.folder import LogFolder
from stream.local.transport import Transport
from stream.stages import DEAD_LETTERS, Role

log = logging.getLogger(__name__)

GROUP = "citywall"
#: Events that wait in front of an agent.
QUEUE = 16


class _TableManager(BaseTableManager):
    """Citywall has no tables; Faust's manager would wait a second for some to be declared."""

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class _App(faust.App):
    """An application whose queues keep what is in them over a rebalance.

    Faust empties them when the flow is resumed. Were the flow resumed late, by the recovery of an earlier
    rebalance, what came since would be lost without a trace. Desks know by generation and offset what is old.
    """

    def FlowControlQueue(  # noqa: N802 (Faust's)
        self,
        maxsize: int | None = None,
        *,
        clear_on_resume: bool = False,  # noqa: ARG002
    ) -> Any:
        return super().FlowControlQueue(maxsize, clear_on_resume=False)

    def _create_directories(self) -> None:
        """There are no tables: no folder for them is made where the process happens to stand."""

    def on_rebalance_start(self) -> None:
        """Note that a rebalance begins; Faust warns at its end where no sensor took note."""
        super().on_rebalance_start()
        self._rebalancing_sensor_state = self._rebalancing_sensor_state or {None: {}}

    def on_rebalance_return(self) -> None:
        """The partitions are given out; the flow may have been resumed before."""
        if self._rebalancing_sensor_state:
            super().on_rebalance_return()


def agent_of(app: faust.App, channel: Any, name: str, function: Callable[[Any], Any]) -> Any:
    """Make an agent that takes one event after another.

    `App.agent` marks it for `autodiscover`, too, for which it looks through the sources of all modules.
    """
    made: Any = app.conf.Agent
    failed = app._on_agent_error  # noqa: SLF001 (as Faust's own gives it)
    agent = made(function, name=name, app=app, channel=channel, concurrency=1, on_error=failed)
    app.agents[agent.name] = agent
    app.topics.beacon.add(agent)
    return agent


def log_of(app: faust.App) -> LogFolder:
    """The embedded log that the application runs on."""
    transport = app.transport
    assert isinstance(transport, Transport)
    return transport.folder


def local_url(folder: Path) -> str:
    """The embedded log in a folder, as a broker."""
    return f"local://{quote(str(folder.absolute()))}"


def make_app(broker: str, loop: asyncio.AbstractEventLoop, group: str = GROUP) -> faust.App:
    """An application on `broker`, without web server, tables or logging of its own."""
    for name in ("faust", "mode"):  # each service says when it starts and stops
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)
    return _App(
        group,
        loop=loop,
        broker=broker,
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_partitions=1,
        topic_disable_leader=True,
        stream_buffer_maxsize=QUEUE,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        broker_commit_interval=3600.0,  # desks commit
        broker_commit_every=1 << 60,
        broker_request_timeout=3600.0,
        stream_processing_timeout=3600.0,
        worker_redirect_stdouts=False,
        loghandlers=[],
        TableManager=_TableManager,
        HttpClient=object,  # never made: Faust's default is aiohttp's, which would be imported for its name
    )


def raw_topic(app: faust.App, *names: str) -> Any:
    """Topics of plain bytes."""
    return app.topic(
        *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", partitions=1
    )


def topics_of(roles: Sequence[Role]) -> dict[str, int]:
    """Every topic of the stream, and its partitions: those of who takes from it."""
    names = {DEAD_LETTERS: 1}
    for role in roles:
        names |= dict.fromkeys(role.inputs, role.partitions)
    for role in roles:
        for name in role.outputs:
            names.setdefault(name, 1)
    return dict(sorted(names.items()))


class Worker(faust.Worker):
    """Faust's worker inside our process: it leaves signals, logging, titles and the terminal alone."""

    def __init__(self, app: faust.App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False, daemon=False
        )
        self.spinner = None

    def install_signal_handlers(self) -> None:
        """The runner has its own."""

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """Leave the process's title."""
