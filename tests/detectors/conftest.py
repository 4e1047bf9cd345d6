"""Loads the helpers of the detectors' tests: scenes and oracles."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent


def _load(name: str, path: Path) -> None:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


_load("detector_scenes", HERE / "scenes.py")
_load("relation_scenes", HERE / "relations" / "scenes.py")
_load("sighting_scenes", HERE / "sightings" / "scenes.py")
_load("baseline_scenes", HERE / "baselines" / "scenes.py")
_load("holding_scenes", HERE / "holding" / "scenes.py")
_load("identity_scenes", HERE / "identities" / "scenes.py")
_load("detector_oracle", HERE / "features" / "oracle.py")
_load("fragment_oracle", HERE / "fragments" / "oracle.py")
_load("relation_oracle", HERE / "relations" / "oracle.py")
_load("sighting_oracle", HERE / "sightings" / "oracle.py")
_load("baseline_oracle", HERE / "baselines" / "oracle.py")
_load("holding_oracle", HERE / "holding" / "oracle.py")
_load("identity_oracle", HERE / "identities" / "oracle.py")
