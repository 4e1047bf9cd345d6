"""The judge of names that the detectors are given: a learned model, where settings name one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citywall.errors import ModelError
from citywall.settings import Settings

if TYPE_CHECKING:
    from detectors.sightings.tables import Judge
    from models.names.model import NameModel

log = logging.getLogger(__name__)


def judge(settings: Settings) -> Judge | None:
    """Says which names look made by an algorithm; None without a model, and where its file is refused."""
    place = settings.models.names
    if not place:
        return None
    from models import modelfile
    from models.names.model import KIND, of
    from models.registry import SHIPPED

    file = SHIPPED / f"{KIND}{modelfile.SUFFIX}" if place == "shipped" else Path(place)
    try:
        return _of(of(modelfile.load(file), str(file)))
    except ModelError as e:
        log.warning("names are not judged in this run: %s", e)
        return None


def _of(model: NameModel) -> Judge:
    """Names that travel encoded look made whoever made them: they are not judged, as in `NameModel.score`."""

    def made(text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        scores = model.of(model.lexicon.features_of(text, offsets))
        odd = scores >= model.threshold
        for i in np.flatnonzero(odd):
            if b"xn--" in text[offsets[i] : offsets[i + 1]].tobytes():
                odd[i] = False
        return np.asarray(odd, bool)

    return made
