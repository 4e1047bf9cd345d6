"""The state of identities: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import DHCP_MESSAGE, EVENT, ND_ADVERT, NTLM_LOGON, SHARE_OPENED
from citywall.rows import take
from detectors.features.tables import read_only, texts
from detectors.identities import kernels
from detectors.identities.kernels import Bounds
from detectors.places import Places
from detectors.sightings.tables import Subjects, Told

#: A network that a register names as a zone is told apart from any network domain by this bit.
ZONE = 1 << 40
_COPIES = 5


class IdentityParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.identities]`: how much is remembered of identities."""

    subjects: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 22,
            extra={"unit": "entities"},
            description="Accounts, tickets, cards and servers of addresses; about 500 bytes each.",
        ),
    ] = 1 << 14


def concerned(events: NDArray[np.void]) -> NDArray[np.void]:
    """The EVENT rows that tell of identities."""
    kind = events["kind"]
    told = (kind <= ND_ADVERT) | (kind == DHCP_MESSAGE) | ((kind >= NTLM_LOGON) & (kind <= SHARE_OPENED))
    return events if told.all() else take(events, told)


class Identities(Subjects):
    """State of the kernel."""

    def __init__(self, parameters: IdentityParameters, bounds: Bounds, places: Places) -> None:
        super().__init__(parameters.subjects, _COPIES)
        self.bounds = bounds
        self._places = places

    def observe(self, events: NDArray[np.void]) -> Told:
        """Take in at most CHUNK EVENT rows that are `concerned`."""
        self._make_room(events)
        events = read_only(events, EVENT)
        networks = self.networks(events)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe(events, texts(events), networks, self.tables, self.bounds, self._output)
        return self._told()

    def networks(self, events: NDArray[np.void]) -> NDArray[np.uint64]:
        """In which network each row's machine is: the zone of its address, else its network domain."""
        networks: NDArray[np.uint64] = events["domain"].astype(np.uint64)
        ground = self._places.ground
        if ground is not None and len(events):
            leased = events["kind"] == DHCP_MESSAGE
            hi = np.where(leased, events["answer_hi"], events["src_hi"])
            lo = np.where(leased, events["answer_lo"], events["src_lo"])
            zones = ground.zones[ground.find(hi, lo, events["domain"])]
            networks = np.where(zones > 0, (zones | ZONE).astype(np.uint64), networks)
        return networks
