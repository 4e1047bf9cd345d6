"""What `[detectors.*]` says: who is enabled, with which parameters, whom it is silent of, sizes of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from citywall.errors import SettingsError
from detectors.base import Detector, Parameter, parameters_of, read_parameters
from detectors.baselines.tables import BaselineParameters
from detectors.features.tables import FeatureParameters
from detectors.holding.tables import HoldingParameters
from detectors.identities.tables import IdentityParameters
from detectors.prefixes import Prefixes
from detectors.relations.tables import RelationParameters
from detectors.sightings.tables import SightingParameters

#: The `[detectors.<name>]` tables that are no detectors: sizes of the tables they share.
FEATURES, RELATIONS, SIGHTINGS, BASELINES = "features", "relations", "sightings", "baselines"
IDENTITIES, HOLDING = "identities", "holding"
_SIZES: dict[str, type[msgspec.Struct]] = {
    FEATURES: FeatureParameters,
    RELATIONS: RelationParameters,
    SIGHTINGS: SightingParameters,
    BASELINES: BaselineParameters,
    IDENTITIES: IdentityParameters,
    HOLDING: HoldingParameters,
}
_ON, _EXEMPT = "enabled", "exempt"


class Chosen(msgspec.Struct, frozen=True):
    """What the settings say of every detector, and of the tables they share."""

    enabled: list[str]
    parameters: dict[str, msgspec.Struct]
    exempt: dict[str, Prefixes]
    features: FeatureParameters
    relations: RelationParameters
    sightings: SightingParameters
    baselines: BaselineParameters
    identities: IdentityParameters
    holding: HoldingParameters


def size_parameters() -> dict[str, list[Parameter]]:
    """Settings of each table of sizes."""
    return {name: parameters_of(struct) for name, struct in _SIZES.items()}


def read(settings: Mapping[str, Mapping[str, Any]], detectors: Mapping[str, type[Detector]]) -> Chosen:
    """Check the `[detectors.<name>]` tables; raises SettingsError naming the key."""
    tables: dict[str, dict[str, Any]] = {}
    for name, given in settings.items():
        if name not in _SIZES and name not in detectors:
            known = ", ".join([*detectors, *_SIZES])
            raise SettingsError("settings", f"detectors.{name}", f"no such detector (there are {known})")
        if not isinstance(given, Mapping):
            raise SettingsError("settings", f"detectors.{name}", "must be a table of settings")
        tables[name] = dict(given)
    enabled: list[str] = []
    exempt: dict[str, Prefixes] = {}
    for name in detectors:
        table = tables.get(name, {})
        on = table.pop(_ON, True)
        if not isinstance(on, bool):
            raise SettingsError("settings", f"detectors.{name}.{_ON}", "must be true or false")
        if on:
            enabled.append(name)
        try:
            exempt[name] = Prefixes(table.pop(_EXEMPT, ()))
        except (ValueError, TypeError) as e:
            raise SettingsError("settings", f"detectors.{name}.{_EXEMPT}", str(e)) from e
    parameters = {
        name: read_parameters(detector.Parameters, name, tables.get(name, {}))
        for name, detector in detectors.items()
    }
    sizes: dict[str, Any] = {
        name: read_parameters(struct, name, tables.get(name, {})) for name, struct in _SIZES.items()
    }
    return Chosen(enabled, parameters, exempt, **sizes)
