"""Every detector there is, and a set of them at work on one stream of flows and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.errors import SettingsError
from citywall.findings import Finding, event_order
from citywall.state import Parts, bytes_of
from detectors.base import Context, Detector, Parameter, milli, parameters_of, read_parameters
from detectors.brute_force import BruteForce, BruteForceParameters
from detectors.features.kernels import Limits
from detectors.features.sharing import Sharing
from detectors.features.tables import CHUNK, FeatureParameters, Features
from detectors.flood import Flood, FloodParameters
from detectors.places import Places
from detectors.scan import Scan, ScanParameters

#: One line a detector.
DETECTORS: dict[str, type[Detector]] = {d.id: d for d in (Scan, Flood, BruteForce)}

#: The `[detectors.<name>]` table that is no detector: sizes of the tables they share.
FEATURES = "features"
_SECOND = 1_000_000_000
_ON = "enabled"
_SCHEMA = 1


def cards() -> dict[str, DetectorCard]:
    """The card of every detector, by id."""
    return {name: detector.card() for name, detector in DETECTORS.items()}


def feature_parameters() -> list[Parameter]:
    """Settings of `[detectors.features]`."""
    return parameters_of(FeatureParameters)


def build(
    settings: Mapping[str, Mapping[str, Any]],
    home: Sequence[str],
    domains: Domains | None = None,
    share: tuple[int, int] = (0, 1),
) -> DetectorSet:
    """Check `settings` (the `[detectors.<id>]` tables) and make the detectors.

    Every table may hold `enabled = false`. `share` is the partition whose hosts they judge, and of how many;
    they must be given the rows that `sharing` names. Raises SettingsError naming the key.
    """
    enabled, parameters, sizes = _read(settings)
    places = Places(home, domains)
    return DetectorSet([DETECTORS[n](parameters[n], places) for n in enabled], parameters, sizes, share)


def sharing(settings: Mapping[str, Mapping[str, Any]], partitions: int) -> Sharing:
    """Which rows go to which of `partitions` sets of detectors with these settings; as for `build`."""
    _, parameters, _ = _read(settings)
    return Sharing(limits_of(parameters, (0, partitions)))


def _read(
    settings: Mapping[str, Mapping[str, Any]],
) -> tuple[list[str], dict[str, msgspec.Struct], FeatureParameters]:
    """Ids of the enabled detectors, parameters of all, and sizes of tables."""
    tables: dict[str, dict[str, Any]] = {}
    enabled: list[str] = []
    for name, given in settings.items():
        if name != FEATURES and name not in DETECTORS:
            known = ", ".join([*DETECTORS, FEATURES])
            raise SettingsError("settings", f"detectors.{name}", f"no such detector (there are {known})")
        if not isinstance(given, Mapping):
            raise SettingsError("settings", f"detectors.{name}", "must be a table of settings")
        tables[name] = dict(given)
    for name in DETECTORS:
        on = tables.get(name, {}).pop(_ON, True)
        if not isinstance(on, bool):
            raise SettingsError("settings", f"detectors.{name}.{_ON}", "must be true or false")
        if on:
            enabled.append(name)
    parameters = {
        name: read_parameters(detector.Parameters, name, tables.get(name, {}))
        for name, detector in DETECTORS.items()
    }
    return enabled, parameters, read_parameters(FeatureParameters, FEATURES, tables.get(FEATURES, {}))


class DetectorSet:
    """Detectors over the features of one session at a time.

    Rows are taken in the order given; which calls they came in changes nothing, and neither does the order
    of flows against events.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        parameters: Mapping[str, msgspec.Struct],
        sizes: FeatureParameters,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.detectors = list(detectors)
        self._limits = limits_of(parameters, share)
        scan = parameters[Scan.id]
        assert isinstance(scan, ScanParameters)
        self._event_limits = self._limits._replace(window=scan.arp_window_s * _SECOND, gate=scan.arp_targets)
        self._sizes = sizes
        self._event_sizes = FeatureParameters(
            contacts=max(16, sizes.contacts // 16), groups=max(16, sizes.groups // 16), targets=16, logins=16
        )
        self._session = ""
        self._reset()

    def process(
        self, reports: NDArray[np.void], events: NDArray[np.void], session: str, lane: str
    ) -> list[Finding]:
        """Findings of FLOW `reports` and EVENT `events`, in `event_order`."""
        if session != self._session:
            self._reset()
            self._session = session
        context = Context(session, lane)
        found: list[Finding] = []
        for at in range(0, len(reports), CHUNK):
            rows = reports[at : at + CHUNK]
            seen = self.flows.observe_flows(rows)
            for detector in self.detectors:
                found += detector.findings(detector.judge_flows(seen, rows), context)
        for at in range(0, len(events), CHUNK):
            rows = events[at : at + CHUNK]
            seen = self.events.observe_events(rows)
            for detector in self.detectors:
                found += detector.findings(detector.judge_events(seen, rows), context)
        return sorted(found, key=event_order)

    def close(self, session: str, lane: str) -> list[Finding]:  # noqa: ARG002  (nothing waits for the end)
        """End a session: what is left to say (nothing), and everything forgotten."""
        self._reset()
        return []

    @property
    def nbytes(self) -> int:
        """Bytes reserved for state when every table is full."""
        return self.flows.nbytes + self.events.nbytes

    def counts(self) -> dict[str, int]:
        """Entities held and given up, for reports and metrics."""
        return {
            **{f"{name}_held": n for name, n in self.flows.used.items()},
            **{f"{name}_evicted": n for name, n in self.flows.evicted.items()},
            **{f"resolution_{name}_evicted": n for name, n in self.events.evicted.items() if n},
        }

    def snapshot(self) -> Parts:
        """Everything `restore` needs; views of live state."""
        parts: Parts = {"session": msgspec.msgpack.encode((_SCHEMA, self._session))}
        for name, part in (("flows", self.flows), ("events", self.events)):
            parts |= {f"{name}/{key}": value for key, value in part.snapshot().items()}
        for detector in self.detectors:
            parts |= {f"detector/{detector.id}/{k}": v for k, v in detector.snapshot().items()}
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot of the same schema and settings; raises ValueError where it does not fit."""
        try:
            schema, session = msgspec.msgpack.decode(bytes_of(parts, "session"), type=tuple[int, str])
        except msgspec.DecodeError as e:
            raise ValueError(f"the detectors' checkpoint cannot be read: {e}") from e
        if schema != _SCHEMA:
            raise ValueError(f"the detectors' checkpoint has schema {schema}, not {_SCHEMA}")
        self._reset()
        self._session = session
        self.flows.restore(_under(parts, "flows/"))
        self.events.restore(_under(parts, "events/"))
        for detector in self.detectors:
            detector.restore(_under(parts, f"detector/{detector.id}/"))

    def _reset(self) -> None:
        self._session = ""
        self.flows = Features(self._sizes, self._limits)
        self.events = Features(self._event_sizes, self._event_limits)
        for detector in self.detectors:
            detector.reset()


def limits_of(parameters: Mapping[str, msgspec.Struct], share: tuple[int, int] = (0, 1)) -> Limits:
    """What the feature kernel must know of the detectors' parameters, and of whom it judges."""
    scan, flood, guessing = (parameters[d.id] for d in (Scan, Flood, BruteForce))
    assert isinstance(scan, ScanParameters)
    assert isinstance(flood, FloodParameters)
    assert isinstance(guessing, BruteForceParameters)
    amplifiers = np.zeros(65536, np.uint8)
    amplifiers[list(flood.amplifiers)] = 1
    return Limits(
        window=scan.window_s * _SECOND,
        gate=min(scan.weak, scan.icmp_failures, guessing.weak),
        step_failure=milli(scan.step_failure),
        step_success=milli(scan.step_success),
        walk_cap=8 * milli(scan.accept),
        login_window=guessing.window_s * _SECOND,
        login_attempts=guessing.attempts,
        attempt_ns=guessing.attempt_s * _SECOND,
        attempt_bytes=guessing.attempt_bytes,
        prefix_v4=flood.prefix_v4,
        prefix_v6=flood.prefix_v6,
        flood=flood.limits(),
        amplifiers=amplifiers,
        services=guessing.services(),
        partition=share[0],
        partitions=share[1],
    )


def _under(parts: Parts, prefix: str) -> Parts:
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}
