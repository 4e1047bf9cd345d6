"""Puts the stations of a run together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.settings import Settings
from stream.agents.archive import ArchiveStage
from stream.agents.capture import CaptureStage
from stream.agents.correlate import CorrelateStage
from stream.agents.detect import DetectStage
from stream.agents.flowlog import FlowlogStage
from stream.agents.index import IndexStage
from stream.files import CaptureFiles
from stream.patience import Patience
from stream.stages import Stage, Station

Document = dict[str, Any]


@dataclass
class Assembly:
    """Stations from the source to the sinks, and what they share.

    `sinks` names the stages that say when a session is over. `fresh` gives alert documents indexed since
    it was last called; `shrink(bytes)` frees about that much of what may be dropped first; `release` lets go
    of stores; `interrupt` ends every wait for them.
    """

    stations: list[Station]
    sinks: frozenset[str]
    files: CaptureFiles = field(default_factory=CaptureFiles)
    fresh: Callable[[], list[Document]] = list
    shrink: Callable[[int], None] = lambda _: None
    release: Callable[[], None] = lambda: None
    interrupt: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Let go of everything the stages hold."""
        self.files.close_all()
        self.release()


def assemble(settings: Settings, data: Path, now: int) -> Assembly:
    """The stations of a real run; applies retention as of `now` (ns). Raises StoreError, SettingsError."""
    from alerts.archive import FlowArchive
    from alerts.store import open_store

    files = CaptureFiles()
    domains = Domains(settings.domains)
    cards: dict[str, DetectorCard] = {}
    make = None
    if settings.use_detectors:
        from detectors import registry

        cards = registry.cards()
        make = partial(registry.build, settings.detectors, settings.home, domains)
    store = open_store(settings.store, data, elasticsearch=settings.elasticsearch)
    patience = Patience()
    index = IndexStage(store, patience)
    stages: list[Stage] = [
        CaptureStage(settings, files), FlowlogStage(settings), DetectStage(make),
        CorrelateStage(settings, cards), index,
    ]  # fmt: skip
    archive = FlowArchive(data)
    archive.clean()
    for keeper in (store, archive):
        keeper.retain(settings.storage.retention_days, now)
    if settings.storage.archive_flows:
        stages.append(ArchiveStage(archive))

    def shrink(surplus: int) -> None:
        archive.shrink(max(archive.usage() - surplus, 0))

    sinks = frozenset(s.name for s in stages if not s.outputs)
    stations = [Station(stage) for stage in stages]
    return Assembly(stations, sinks, files, index.take_fresh, shrink, store.close, patience.stop)
