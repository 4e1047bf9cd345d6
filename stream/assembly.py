"""Puts the stations of a run together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.settings import Settings
from posture.attach import locator, portals
from stream import scoring
from stream.agents.archive import ArchiveStage, RecordStage
from stream.agents.capture import CaptureStage
from stream.agents.correlate import CorrelateStage
from stream.agents.detect import DetectStage, Signed
from stream.agents.emitting import Outlet
from stream.agents.flowlog import FlowlogStage
from stream.agents.index import IndexStage
from stream.board import PACKETS
from stream.files import CaptureFiles
from stream.ground import ground
from stream.packets import Passing
from stream.patience import Patience
from stream.stages import Role, Stage

if TYPE_CHECKING:
    from alerts.cases.casebook import Casebook
    from detectors.registry import DetectorSet
    from stream.lookouts import Watched
    from stream.scoring import Scored

Document = dict[str, Any]
#: Alerts whose cases are made together, where nobody waits for each: a case is then written less often, and
#: one of a thousand alerts is a MiB.
TOGETHER = 1000


@dataclass
class Assembly:
    """The roles from the source to the sinks, and what those who play them share.

    `sinks` names the stages that say when a session is over. `fresh` gives alert documents indexed since
    it was last called; `shrink(bytes)` frees about that much of what may be dropped first; `retain(now)`
    lets go of what was kept long enough; `release` lets go of stores; waits for them go through `patience`,
    which can end them all.
    """

    roles: list[Role]
    sinks: frozenset[str]
    files: CaptureFiles = field(default_factory=CaptureFiles)
    fresh: Callable[[], list[Document]] = list
    shrink: Callable[[int], None] = lambda _: None
    retain: Callable[[int], None] = lambda _: None
    release: Callable[[], None] = lambda: None
    patience: Patience = field(default_factory=Patience)

    def close(self) -> None:
        """Let go of everything the stages hold."""
        self.files.close_all()
        self.release()


def assemble(
    settings: Settings, data: Path, now: int, *, store_at: Path | None = None,
    acknowledged: Callable[[list[Document]], object] = lambda _: None, together: int = 1,
) -> Assembly:  # fmt: skip
    """The roles of a real run; applies retention as of `now` (ns). Raises StoreError, SettingsError.

    `acknowledged` gets alerts that the store has taken, at least once each, when their cases are made: of
    `together` alerts of files at a time.

    `store_at` is the data folder whose embedded store gets the alerts, where that is not `data`: its owner
    sees to its retention then, and the caller to it that nobody else writes alerts of the run's lane there.
    """
    from alerts.archive import FlowArchive
    from alerts.eventarchive import EventArchive
    from alerts.store import open_store

    files = CaptureFiles()
    patience = Patience()
    roles = cast(settings, files, patience)
    store = open_store(settings.store, store_at or data, elasticsearch=settings.elasticsearch)
    casebook = cache(partial(_casebook, settings, store_at or data))
    indexes: list[IndexStage] = []

    def after(documents: list[Document]) -> None:
        casebook().take(documents)
        acknowledged(documents)

    def index(_: int) -> Stage:
        indexes.append(IndexStage(lambda: store, patience, after, together))
        return indexes[-1]

    archive, record = FlowArchive(data), EventArchive(data)
    archives = (archive, record)
    for each in archives:
        each.clean()

    def retain(now: int) -> None:
        for each in archives:
            each.retain(settings.storage.retention_days, now)
        if store_at is None:
            store.retain(settings.storage.retention_days, now)

    retain(now)
    makers: dict[str, Callable[[int], Stage]] = {
        "index": index,
        "archive": lambda _: ArchiveStage(archive),
        "record": lambda _: RecordStage(record),
    }
    roles = [msgspec.structs.replace(r, make=makers.get(r.name, r.make)) for r in roles]

    def shrink(surplus: int) -> None:
        for each in archives:  # flows are most of it
            used = each.usage()
            each.shrink(max(used - surplus, 0))
            surplus -= used - each.usage()
            if surplus <= 0:
                break

    def fresh() -> list[Document]:
        return [document for each in indexes for document in each.take_fresh()]

    sinks = frozenset(role.name for role in roles if not role.outputs)
    return Assembly(roles, sinks, files, fresh, shrink, retain, store.close, patience)


def assemble_together(settings: Settings, data: Path, now: int) -> Assembly:
    """As `assemble`, for a run that goes as fast as it can."""
    return assemble(settings, data, now, together=TOGETHER)


def _casebook(settings: Settings, data: Path) -> Casebook:
    """Loaded with the first alert: most runs begin without one."""
    from alerts.cases.casebook import Casebook
    from alerts.documents import documents_of

    return Casebook(documents_of(data, settings), settings.cases)


def cast(settings: Settings, files: CaptureFiles, patience: Patience) -> list[Role]:
    """Every role of a run. Those that are pinned can be played only where `assemble` made them.

    The store decides where alerts are indexed: an embedded one belongs to the process that owns the data
    folder. Who stops `patience` ends every wait for it. Raises SettingsError.
    """
    embedded = settings.store_embedded
    roles = _stateless(settings, files)
    roles.append(
        Role("index", IndexStage.inputs, IndexStage.outputs, _indexer(settings, patience), pinned=embedded)
    )
    if settings.storage.archive_flows:
        roles.append(Role("archive", ArchiveStage.inputs, ArchiveStage.outputs, _elsewhere, pinned=True))
    if settings.storage.archive_events:
        roles.append(Role("record", RecordStage.inputs, RecordStage.outputs, _elsewhere, pinned=True))
    return roles


def _indexer(settings: Settings, patience: Patience) -> Callable[[int], Stage]:
    """Makes an index stage on a store that needs no data folder."""
    from alerts.store import open_store

    def index(_: int) -> Stage:
        find = partial(open_store, settings.store, Path(), elasticsearch=settings.elasticsearch)
        return IndexStage(find, patience)

    return index


def _elsewhere(_: int) -> Stage:
    raise AssertionError("this role needs the data folder of the run")


def _stateless(settings: Settings, files: CaptureFiles) -> list[Role]:
    partitions = settings.partitions
    domains = Domains(settings.domains)
    cards: dict[str, DetectorCard] = {}
    make: Callable[[int], DetectorSet | Scored] | None = None
    sharing = None
    outlet = Outlet(
        settings.storage.archive_flows, partitions, packed=settings.on_cluster,
        record=settings.storage.archive_events,
    )  # fmt: skip
    if settings.use_detectors:
        from detectors import registry
        from stream.naming import judge

        cards = registry.cards()
        build = partial(
            registry.build, settings.detectors, settings.home, domains, judge=judge(settings),
            ground=ground(settings, domains),
        )  # fmt: skip
        first = [build((0, partitions))]  # a bad setting is found here, before anything runs

        def plain(partition: int) -> DetectorSet:
            return first.pop() if first and not partition else build((partition, partitions))

        make = plain
        if partitions > 1:
            sharing = registry.sharing(settings.detectors, partitions)
            outlet = msgspec.structs.replace(outlet, sharing=sharing)
        if settings.models.any:
            from models import serving

            cards = cards | serving.cards()
            make = scoring.beside(plain, settings, sharing)
    signatures: Signed | None = None
    passing: Passing | None = None
    inputs = DetectStage.inputs
    known: Mapping[str, DetectorCard] = cards
    judge_rows: Callable[[int], DetectorSet | Scored | Watched] | None = make
    if settings.rules.files or settings.rules.watched:
        from stream import lookouts
        from stream.armoury import Armoury
        from stream.signatures import Signatures

        armoury = Armoury(settings)  # a file that cannot be read is found here
        known = armoury.cards.beside(cards)
        if armoury.speaks:
            at_work = Signatures(settings, armoury)
            signatures, passing, inputs = at_work.findings, at_work.live, (*inputs, PACKETS)
            outlet = msgspec.structs.replace(outlet, packets=True)
        judge_rows = lookouts.beside(make, armoury.lookouts, sharing)
    locate, of_portal = locator(settings), portals(settings)
    return [
        Role(
            "capture", CaptureStage.inputs, outlet.said,
            lambda partition: CaptureStage(settings, files, partition, outlet), partitions,
        ),
        Role("flowlog", FlowlogStage.inputs, outlet.topics, lambda _: FlowlogStage(settings, outlet)),
        Role(
            "detect", inputs, DetectStage.outputs,
            lambda partition: DetectStage(
                judge_rows and partial(judge_rows, partition), partitions, None if partition else signatures,
                None if partition else passing, settings.sensor.rules_mib << 20,
            ),
            partitions,
        ),
        Role(
            "correlate", CorrelateStage.inputs, CorrelateStage.outputs,
            lambda _: CorrelateStage(settings, known, locate, of_portal),
        ),
    ]  # fmt: skip
