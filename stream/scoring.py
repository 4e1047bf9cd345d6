"""Detectors and models as one set: what the `detect` stage runs where settings name models.

A model file that is refused is left out with a warning; the stream goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import FLOW as FLOW_ROW
from citywall.errors import ModelError
from citywall.findings import Finding, event_order
from citywall.settings import Settings
from citywall.state import Parts
from stream.stages import under

if TYPE_CHECKING:
    from detectors.features.sharing import Sharing
    from detectors.registry import DetectorSet
    from models.flows.model import FlowModel
    from models.serving import ModelSet, Share

log = logging.getLogger(__name__)
_KINDS = ("flow", "host")


class Scored:
    """A set of detectors with models beside it."""

    def __init__(self, detectors: DetectorSet, models: ModelSet) -> None:
        self.detectors, self.models = detectors, models
        self._session = ""

    def process(
        self, reports: NDArray[np.void], events: NDArray[np.void], session: str, lane: str
    ) -> list[Finding]:
        """Findings of both, in `event_order`."""
        if session != self._session:
            self.models.reset()
            self._session = session
        found = self.detectors.process(reports, events, session, lane)
        return sorted([*found, *self.models.process(reports, session, lane)], key=event_order)

    def advance(self, frontier: int, session: str, lane: str) -> list[Finding]:
        """What models say of time that is over."""
        return self.models.advance(frontier, session, lane)

    def close(self, session: str, lane: str) -> list[Finding]:
        """End a session."""
        self.models.reset()
        self._session = ""
        return self.detectors.close(session, lane)

    def snapshot(self) -> Parts:
        """Everything `restore` needs."""
        parts: Parts = {f"rules/{name}": part for name, part in self.detectors.snapshot().items()}
        parts |= {f"models/{name}": part for name, part in self.models.snapshot().items()}
        return parts | {"scored": self._session.encode()}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot of the same settings; raises ValueError where it does not fit."""
        if "scored" not in parts:
            raise ValueError("the detectors' checkpoint was made without models")
        self.detectors.restore(under(parts, "rules/"))
        self.models.restore(under(parts, "models/"))
        self._session = bytes(parts["scored"]).decode()


def named(settings: Settings, data: Path) -> Settings:
    """The settings with `active` replaced by the file of the model in use, so that workers read the same."""
    from models.registry import Registry

    chosen: dict[str, str] = {}
    for kind in _KINDS:
        if getattr(settings.models, kind) == "active":
            try:
                chosen[kind] = str(Registry(data).path(kind).absolute())
            except ModelError as e:
                log.warning("no %s model judges this run: %s", kind, e)
                chosen[kind] = ""
    models = msgspec.structs.replace(settings.models, **chosen)
    return msgspec.structs.replace(settings, models=models) if chosen else settings


def read(settings: Settings) -> dict[str, FlowModel]:
    """The models that settings name and whose files are taken, by kind."""
    from models import modelfile
    from models.flows.model import of

    found = {}
    for kind in _KINDS:
        if place := getattr(settings.models, kind):
            try:
                found[kind] = of(modelfile.load(Path(place)), kind, place)
            except ModelError as e:
                log.warning("the run goes on without its %s model: %s", kind, e)
    return found


def _dealt(settings: Settings, sharing: Sharing | None) -> Share | None:
    """How sources are dealt to the learners of the online model; None where it is not at work."""
    from detectors import registry
    from models.flows.online import SHARES

    if not settings.models.online:
        return None
    if sharing is not None and SHARES % settings.partitions:
        log.warning("the online model is left out: %d partitions would tear its learners apart",
                    settings.partitions)  # fmt: skip
        return None
    dealing = registry.sharing(settings.detectors, SHARES)

    def share(rows: NDArray[np.void]) -> NDArray[np.uint8]:
        flows = np.zeros(len(rows), FLOW_ROW)
        for name in ("src_hi", "src_lo", "domain"):
            flows[name] = rows[name]
        return dealing.sources(flows)

    return share


def beside(
    build: Callable[[int], DetectorSet], settings: Settings, sharing: Sharing | None
) -> Callable[[int], DetectorSet | Scored]:
    """What makes a partition's detectors, with the models that settings name beside them."""
    from citywall.domains import Domains
    from detectors.places import Places
    from models.serving import ModelSet

    models = read(settings)
    share = _dealt(settings, sharing)
    if not models and share is None:
        return build
    places = Places(settings.home, Domains(settings.domains))

    def make(partition: int) -> Scored:
        def mine(rows: NDArray[np.void]) -> NDArray[np.bool_]:
            if sharing is None:
                return np.ones(len(rows), bool)
            return np.asarray(sharing.sources(rows) == partition)

        return Scored(
            build(partition),
            ModelSet(models.get("flow"), models.get("host"), places, mine, FLOW_ROW, share=share),
        )

    return make
