"""Dark links (暗链): what is planted in a portal's pages for search engines, and kept from people's eyes.

Who plants them wants the rank of a government's site for pages that sell gambling and worse. So the links are
hidden, the page is another one for spiders or for who comes from a search, and the words are those of the
trade. A probe fetches each page three ways and reads what is hidden; what of that is told is judged here.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from detectors.base import Draft
from detectors.portal import PortalDetector
from detectors.sightings.detector import count
from detectors.sightings.tables import Told


class DarkLinkParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.darklink]`."""

    hidden: Annotated[
        int, count("sites", "Sites that hidden links of a page lead to, and did not before.", 1, 500)
    ] = 1
    links: Annotated[
        int, count("sites", "Sites that links in sight lead to, and did not before.", 1, 500)
    ] = 5
    words: Annotated[int, count("words", "Words of dark links that were not on the page before.", 1, 50)] = 2
    cloaked: Annotated[
        int,
        Meta(ge=300, le=1000, extra={"unit": "thousandths"},
             description="How much more than usual the page for others is another one."),
    ] = 500  # fmt: skip
    remind_h: Annotated[
        int, count("h", "Hours after which what is still so is told again; 0 for never.", 0, 8760)
    ] = 24


class DarkLink(PortalDetector):
    """Links and pages for search engines only."""

    id: ClassVar[str] = "darklink"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("hidden", "words", "cloaked", "diverted", "links")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1608.006", "SEO Poisoning", "TA0042", "Resource Development"),
        ("T1491.002", "External Defacement", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "暗链植入"
    axis: ClassVar[str] = "tamper"
    Parameters: ClassVar[type[msgspec.Struct]] = DarkLinkParameters

    parameters: DarkLinkParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """What probes found."""
        return self.probed(told, events)

    def scores(self, kind: str, measure: int, *, grave: bool) -> tuple[float, float]:
        """Score and threshold; what only dark links have is told from one on."""
        if grave or kind == "diverted":
            return float(measure), 1.0
        return float(measure), float(getattr(self.parameters, kind))
