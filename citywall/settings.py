"""Settings: declared once here, typed, documented, checked before anything starts.

Sources, later ones winning: defaults, one TOML file, environment (`CITYWALL_SECTION__KEY=value`),
`--set section.key=value`. Every error names its source and key. Detector parameters are declared on
the detectors; `[detectors.<id>]` tables are carried here and checked by their registry.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from citywall.applicationsettings import ApplicationSettings
from citywall.casesettings import CaseSettings, ReportingSettings
from citywall.collectorsettings import CollectorSettings
from citywall.domains import DomainSettings
from citywall.errors import SettingsError
from citywall.fragmentsettings import FragmentSettings
from citywall.limits import check, origin_of
from citywall.modelsettings import ModelSettings
from citywall.playbooksettings import PlaybookSettings
from citywall.portalsettings import PortalSettings
from citywall.reportsettings import PostureSettings, ReportSettings
from citywall.rulesettings import RuleSettings
from citywall.sensors import SensorSettings
from citywall.servers import ElasticsearchSettings, KafkaSettings
from citywall.servicesettings import ServiceSettings
from citywall.sessions import file_digest
from citywall.trustsettings import AccountSettings, AuditSettings

ENVIRONMENT_PREFIX = "CITYWALL_"
#: RFC 1918, RFC 6598, RFC 4193 and link-local IPv6.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
#: Environment variables of the same prefix that are not settings.
NOT_SETTINGS = frozenset(
    f"CITYWALL_{name}"
    for name in (
        *("CACHE_DIR", "DATA", "REQUIRE_SERVICES", "KAFKA_URL", "KAFKA_PASSWORD"),
        *("ELASTICSEARCH_URL", "ELASTICSEARCH_API_KEY", "BENCH_DATA", "EVERY_CAPTURE"),
    )
)


class CaptureSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[capture]`: how capture files are read."""

    block_bytes: Annotated[
        int, Meta(ge=4096, le=1 << 28, description="Bytes of a capture file that travel as one block.")
    ] = 8 << 20
    # about what an ordinary block holds: what a batch costs beside its packets is then shared by all of them
    batch_packets: Annotated[
        int, Meta(ge=1, le=1 << 20, description="Packets decoded and metered at a time.")
    ] = 20_480
    max_record_bytes: Annotated[
        int,
        Meta(ge=256, le=1 << 30, description="A record longer than this is taken for corruption."),
    ] = 262_144 * 4


class MeterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[meter]`: how packets become flows."""

    idle_timeout_s: Annotated[
        int, Meta(ge=1, le=3600, description="Seconds without a packet after which a flow ends.")
    ] = 120
    active_timeout_s: Annotated[
        int, Meta(ge=1, le=86400, description="Seconds after which a flow is ended and begun anew.")
    ] = 1800
    max_flows: Annotated[
        int,
        Meta(
            ge=16, le=1 << 26,
            description="Flows held at once; beyond it the one idle longest ends early, counted.",
        ),
    ] = 2_000_000  # fmt: skip


class CorrelateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[correlate]`: how findings become alerts."""

    window_s: Annotated[
        int, Meta(ge=1, le=86400, description="Findings of one entity this close are one alert.")
    ] = 900
    cap_s: Annotated[
        int, Meta(ge=1, le=604800, description="Longest an alert goes on before a new one begins.")
    ] = 86400


class StorageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[storage]`: what is kept in the data folder, and for how long."""

    retention_days: Annotated[
        int, Meta(ge=1, le=36500, description="Days alerts and flows are kept after they were received.")
    ] = 190
    disk_budget_gib: Annotated[
        float,
        Meta(
            gt=0,
            description="Gibibytes the data folder may use; the oldest flows go first, then the run stops.",
        ),
    ] = 20.0
    archive_flows: Annotated[bool, Meta(description="Keep closed flows for `citywall flows`.")] = True
    archive_events: Annotated[
        bool, Meta(description="Keep what applications say (names, requests, hellos) for `citywall events`.")
    ] = True


class CheckpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[checkpoint]`: how often state is saved."""

    interval_s: Annotated[
        float, Meta(gt=0, le=3600, description="Least wall-clock seconds between checkpoints.")
    ] = 10.0
    # Three stages are dear to save: together they must stay below a twentieth of the time.
    cost_factor: Annotated[
        float, Meta(ge=1, le=1000, description="A checkpoint waits this many times the cost of the last.")
    ] = 60.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings."""

    transport: Annotated[
        str,
        Meta(
            pattern="^(local://$|kafka://[^/]+$)",
            description="Where the stream's log is: local:// is the data folder; kafka://host:port,host:port.",
        ),
    ] = "local://"
    partitions: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Parts that packets are shared out to by flow, and what is seen of them by host.",
        ),
    ] = 1
    store: Annotated[
        str,
        Meta(
            # No user name or password in it: an address is logged.
            pattern=r"^(sqlite://|https?://[^/@?#\s]+(/[^@?#\s]*)?$)",
            description="Where alerts are kept: sqlite:// (the data folder) or http(s)://host:port.",
        ),
    ] = "sqlite://"
    metrics: Annotated[
        str,
        Meta(
            pattern=r"^(|[^\s/]+:\d{1,5})$",
            description="Where the metrics endpoint (Prometheus) listens: HOST:PORT; empty for none.",
        ),
    ] = ""
    lane: Annotated[str, Meta(pattern="^(live|drill|test)$", description="Which lane records belong to.")] = (
        "live"
    )
    drill: Annotated[
        str, Meta(description="The drill that a run is of, told apart from others by it; set by `drill run`.")
    ] = ""
    language: Annotated[
        str,
        Meta(pattern="^(auto|en|zh)$", description="What users read: en, zh, or auto as the environment."),
    ] = "auto"
    register: Annotated[
        str,
        Meta(description="The register: a YAML file, a folder of them, or `example`; empty for none."),
    ] = ""
    registered: Annotated[
        str, Meta(description="The register itself, as a run tells it to its workers; read from `register`.")
    ] = ""
    home: Annotated[tuple[str, ...], Meta(description="Networks that are ours, as prefixes.")] = PRIVATE
    workers: Annotated[int, Meta(ge=0, le=256, description="Threads for kernels; 0 is one a processor.")] = 0
    capture: CaptureSettings = CaptureSettings()
    meter: MeterSettings = MeterSettings()
    domains: DomainSettings = DomainSettings()
    correlate: CorrelateSettings = CorrelateSettings()
    storage: StorageSettings = StorageSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    kafka: KafkaSettings = KafkaSettings()
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    audit: AuditSettings = AuditSettings()
    accounts: AccountSettings = AccountSettings()
    cases: CaseSettings = CaseSettings()
    reporting: ReportingSettings = ReportingSettings()
    playbooks: PlaybookSettings = PlaybookSettings()
    sensor: SensorSettings = SensorSettings()
    collector: CollectorSettings = CollectorSettings()
    posture: PostureSettings = PostureSettings()
    rules: RuleSettings = RuleSettings()
    fragments: FragmentSettings = FragmentSettings()
    applications: ApplicationSettings = ApplicationSettings()
    report: ReportSettings = ReportSettings()
    models: ModelSettings = ModelSettings()
    service: ServiceSettings = ServiceSettings()
    portals: PortalSettings = PortalSettings()
    use_detectors: Annotated[bool, Meta(description="Run the detectors.")] = True
    detectors: dict[str, dict[str, Any]] = {}

    @property
    def on_cluster(self) -> bool:
        """Whether the stream's log is on a cluster that others share, not in the data folder."""
        return not self.transport.startswith("local://")

    @property
    def store_embedded(self) -> bool:
        """Whether alerts are kept in the data folder, not on a server."""
        return self.store.startswith("sqlite://")


def results_digest(settings: Settings, *, lasting: bool = False) -> str:
    """Digest of the settings that change results: part of a session's identity.

    A folder of rules counts once it has any, so that a file in a service is the session that it is in a run;
    `lasting`: from the beginning, for what goes on when they come.
    """
    changing: tuple[Any, ...] = (
        settings.home, settings.meter, settings.domains, settings.correlate,
        settings.use_detectors, settings.detectors, settings.capture.max_record_bytes,
    )  # fmt: skip
    if settings.fragments != FragmentSettings():
        changing = (*changing, settings.fragments)
    if settings.rules.files:
        contents = [file_digest(Path(file)) for file in (*settings.rules.files, *settings.rules.beside)]
        changing = (*changing, settings.rules, settings.applications, contents)
    listed = bool(settings.rules.indicators or settings.rules.sigma)
    if listed or (settings.rules.folder and (lasting or not settings.rules.empty)):
        variables = (settings.rules.addresses, settings.rules.ports, settings.applications)
        changing = (*changing, "lists", settings.rules.lists_digest(), variables)
    if settings.registered:  # without one, sessions keep the names they had before there were registers
        changing = (*changing, settings.registered)
    if settings.models.any:  # a model is named by what it holds
        judges = [Path(place).stem for place in (settings.models.flow, settings.models.host)]
        changing = (*changing, "models", judges)
    if settings.models.names != "shipped":
        changing = (*changing, "names", Path(settings.models.names).stem)
    if settings.drill:  # a capture in two drills is two sessions: people's work in one is not the other's
        changing = (*changing, "drill", settings.drill)
    return hashlib.blake2b(msgspec.json.encode(changing, order="deterministic"), digest_size=8).hexdigest()


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> Settings:
    """Read and check settings; raises SettingsError naming where and which key.

    `assignments` are the texts given to `--set`.
    """
    tree: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if file is not None:
        _merge(tree, origins, _from_file(file), str(file))
    for name, text in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NOT_SETTINGS:
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            _merge(tree, origins, _nest(key, text, name), name)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError("--set", assignment, "must have the form KEY=VALUE")
        _merge(tree, origins, _nest(key.strip(), text, "--set"), "--set")
    settings = _convert(tree, origins)
    check(settings, origins)
    return settings


def keys() -> dict[str, tuple[str, Any, str]]:
    """Every key: its type, default and description, for help and manual."""
    return dict(_walk(Settings, ""))


def _walk(struct: type[msgspec.Struct], prefix: str) -> list[tuple[str, tuple[str, Any, str]]]:
    found: list[tuple[str, tuple[str, Any, str]]] = []
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint, key, description = hints[field.name], prefix + field.name, ""
        if get_origin(hint) is Annotated:
            hint, *meta = get_args(hint)
            description = next((m.description or "" for m in meta if isinstance(m, Meta)), "")
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            found += _walk(hint, key + ".")
        else:
            default = field.default
            if default is msgspec.NODEFAULT:
                default = field.default_factory()
            found.append((key, (getattr(hint, "__name__", str(hint)), default, description)))
    return found


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as e:
        raise SettingsError(str(file), "(file)", e.strerror or str(e)) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError(str(file), "(file)", f"is not TOML: {e}") from e


def _nest(key: str, text: str, origin: str) -> dict[str, Any]:
    parts = key.split(".")
    if not all(parts):
        raise SettingsError(origin, key, "is not a dotted key")
    value: Any = text
    if _wants_text(key):
        value = text
    else:
        try:
            value = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            if "," in text or keys().get(key, ("", None, ""))[0] == "tuple":
                value = [t.strip() for t in text.split(",") if t.strip()]
    for part in reversed(parts):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def _wants_text(key: str) -> bool:
    return keys().get(key, ("", None, ""))[0] == "str"


def _merge(tree: dict[str, Any], origins: dict[str, str], more: Any, origin: str, at: str = "") -> None:
    for name, value in more.items():
        key = f"{at}{name}"
        origins[key] = origin
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            _merge(tree[name], origins, value, origin, key + ".")
        elif isinstance(value, dict):
            tree[name] = {}
            _merge(tree[name], origins, value, origin, key + ".")
        else:
            tree[name] = value


def _convert(tree: dict[str, Any], origins: dict[str, str]) -> Settings:
    if isinstance(tree.get("home"), str):
        tree["home"] = [t.strip() for t in tree["home"].split(",") if t.strip()]
    try:
        return msgspec.convert(tree, Settings)
    except msgspec.ValidationError as e:
        reason, _, place = str(e).partition(" - at `$")
        key = place.rstrip("`").lstrip(".").replace("[...]", "")
        if "unknown field" in reason:
            name = reason.split("`")[1]
            key = f"{key}.{name}" if key else name
            reason = "no such setting"
        raise SettingsError(origin_of(key, origins), key or "(top level)", reason) from e
