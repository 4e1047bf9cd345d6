"""Where facts are read: store, archive, status of the run, audit log, accounts, register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

import citywall
from alerts import flowhosts, times
from alerts.archive import FlowArchive
from alerts.store import AlertStore, open_store
from citywall.domains import Domains
from citywall.errors import InputError
from citywall.settings import Settings
from posture import index, reading
from posture.facts import AlertFact, Home, facts
from posture.records import Register
from posture.table import Table
from reports.day import Day
from reports.facts import backups, cases, drills, models, notices, playbooks, portals
from reports.inputs import Audit, DetectorFact, Inputs, Run, Sensor, Service, Stream
from reports.queries.cleartext_management import PORTS
from stream import health
from trust import chain
from trust.accountfile import AccountFile
from trust.records import iso, read
from trust.verify import verify

_LANE = "live"


class Watched(msgspec.Struct, frozen=True):
    """What was looked at in a span, and what was found."""

    alerts: tuple[AlertFact, ...]
    detectors: tuple[DetectorFact, ...]
    run: Run | None
    flows: int
    files: int
    hosts: int
    seen: frozenset[tuple[str, str]]
    services: tuple[Service, ...]

    def sensors(self) -> index.SensorFacts:
        """The same, as posture asks for it."""
        run = self.run
        dropped = tuple(s.name for s in run.sensors if s.dropped) if run else ()
        axes = frozenset(d.axis for d in self.detectors)
        return index.SensorFacts(axes, self.seen, run.silent if run else (), dropped)


def register_of(settings: Settings) -> Register | None:
    """The register that settings name; None without one. Raises FaultyInput."""
    return reading.read([Path(settings.register)]) if settings.register else None


def watch(settings: Settings, data: Path, register: Register | None, since: int, until: int) -> Watched:
    """What was seen of the lane `live` in `[since, until)`. Raises StoreError, DataFolderError."""
    store = _store(settings, data)
    try:
        alerts = _alerts(store, settings, since, until)
    finally:
        store.close()
    spoken = flowhosts.spoken(FlowArchive(data, read_only=True).paths(_LANE), PORTS, since, until)
    seen, services = _places(spoken, register, settings)
    run = _run(data)
    if run is not None and not (run.began < until and run.at >= since):
        run = msgspec.structs.replace(run, sensors=(), silent=())  # of another time
    return Watched(
        alerts, _detectors(settings), run, spoken.flows, spoken.files, len(spoken.hosts), seen, services
    )


def gather(settings: Settings, data: Path, day: Day) -> Inputs:
    """The facts of a report day. Raises FaultyInput, StoreError, DataFolderError."""
    register = register_of(settings)
    watched = watch(settings, data, register, day.since, day.until)
    # Captures of the day may have come later.
    last = max([times.day_of(day.until - 1), *(times.day_of(a.received) for a in watched.alerts)])
    audit, audit_stream = _audit(settings, data, day)
    worked, held = cases.read(settings, data, day), drills.read(settings, data, day)
    return Inputs(
        day,
        alerts=watched.alerts,
        register=register,
        posture=None if register is None else index.posture(
            register, watched.alerts, watched.sensors(), day.since, day.until
        ),
        detectors=watched.detectors,
        streams=(*_streams(settings, data, last), *audit_stream),
        required_days=settings.report.retention_days,
        run=_run(data),
        flows=watched.flows,
        flow_files=watched.files,
        hosts=watched.hosts,
        seen=watched.seen,
        services=watched.services,
        audit=audit,
        accounts=tuple(
            stored.account.roles for stored in AccountFile(data).everyone() if not stored.account.disabled
        ),
        cases=None if worked is None else worked.cases,
        clocks=None if worked is None else worked.clocks,
        unclocked=0 if worked is None else worked.unclocked,
        notices=notices.read(settings, data, day),
        playbooks=playbooks.read(settings, data, day),
        drills=None if held is None else held.drills,
        damaged_drills=() if held is None else held.damaged,
        models=models.read(settings, data, day),
        backups=backups.read(data, day),
        portals=portals.read(data, register, day),
        backup_days=settings.report.backup_days,
        top=settings.report.top,
        store=settings.store.partition(":")[0],
        version=citywall.__version__,
    )  # fmt: skip


def _store(settings: Settings, data: Path) -> AlertStore:
    return open_store(settings.store, data, read_only=True, elasticsearch=settings.elasticsearch)


def _alerts(store: AlertStore, settings: Settings, since: int, until: int) -> tuple[AlertFact, ...]:
    found = facts(
        store.scan(since=since, until=until, lane=_LANE), dict(store.workflows()), Home(settings.home)
    )
    return tuple(sorted(found, key=lambda a: a.order))


def _detectors(settings: Settings) -> tuple[DetectorFact, ...]:
    from detectors.registry import cards  # brings the kernels' compiler in

    if not settings.use_detectors:
        return ()
    return tuple(
        DetectorFact(card.id, card.version, card.title_en, card.title_zh, card.axis, card.gb_class)
        for name, card in sorted(cards().items())
        if settings.detectors.get(name, {}).get("enabled", True)
    )


def _places(
    spoken: flowhosts.Spoken, register: Register | None, settings: Settings
) -> tuple[frozenset[tuple[str, str]], tuple[Service, ...]]:
    """(system, unit) of hosts that spoke, and the clear-text services of registered hosts."""
    if register is None:
        return frozenset(), ()
    locate, name = Table(register).locate, Domains(settings.domains).name
    units = {s.id: s.unit for s in register.systems}
    seen = set()
    for domain, host in spoken.hosts:
        place = locate(name(domain), host)
        if place is not None and (place.system or place.unit):
            seen.add((place.system, units.get(place.system, place.unit)))
    services = []
    for ((domain, host), port), flows in sorted(spoken.services.items()):
        place = locate(name(domain), host)
        if place is not None:
            services.append(Service(host, port, place.system, place.unit, flows))
    return frozenset(seen), tuple(services)


def _run(data: Path) -> Run | None:
    found = health.read(data)
    if found is None:
        return None
    return Run(
        found.state, found.began, found.at, found.totals.get("packets", 0), found.dead_letters,
        tuple(Sensor(s.path, s.packets, s.dropped, int(s.behind_s), s.ended) for s in found.sensors),
        tuple(f.sensor for f in found.faults if f.kind == "silent"),
    )  # fmt: skip


def _streams(settings: Settings, data: Path, last: str) -> Iterable[Stream]:
    """The alert store and the archive of flows, as far as received by the end of the day `last` (UTC)."""
    days = settings.storage.retention_days
    store = _store(settings, data)
    try:
        parts = [p for p in store.status().parts if p.lane == _LANE and p.day <= last]
    finally:
        store.close()
    held = tuple(sorted({p.day for p in parts if p.documents}))
    size = sum(p.bytes for p in parts) if settings.store_embedded else None
    yield Stream("alerts", held, size, sum(p.documents for p in parts), days, last)
    kept = {d: n for (_, d), n in FlowArchive(data, read_only=True).days(_LANE).items() if d <= last}
    yield Stream("flows", tuple(sorted(kept)), sum(kept.values()), None, days, last)


def _audit(settings: Settings, data: Path, day: Day) -> tuple[Audit | None, tuple[Stream, ...]]:
    """The audit log as written before the day's end: what is recorded later changes nothing."""
    try:
        report = verify(data)
        files = chain.files_at(data)
    except InputError:
        return None, ()
    since, until = iso(day.since), iso(day.until)
    actions: Counter[str] = Counter()
    days: Counter[str] = Counter()
    head, size, refused = "", 0, 0
    for line in (line for file in files for line in chain.lines_of(file)):
        try:
            record = read(line.data)
        except ValueError:
            continue  # `verify` has told
        if record.time >= until:
            continue
        head, size = f"{record.n}:{record.sm3}", size + len(line.data)
        days[record.time[:10]] += 1
        if record.time >= since:
            actions[record.action] += 1
            refused += record.outcome == "refused"
    if not head:
        return None, ()
    found = report.problem
    problem = "" if found is None else f"{found.kind} {Path(found.file).name}:{found.line}"
    kept = Stream(
        "audit",
        tuple(sorted(days)),
        size,
        days.total(),
        settings.audit.retention_days,
        times.day_of(day.until - 1),
    )
    return Audit(report.ok, problem, actions.total(), head, dict(sorted(actions.items())), refused), (kept,)
