"""The state of identities: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import DHCP_MESSAGE, EVENT, ND_ADVERT, NTLM_LOGON, SHARE_OPENED, TEXT
from citywall.rows import take, zeros
from citywall.state import Parts
from detectors import keeping
from detectors.features.kernels import EVICTED, FAR_PAST, USED
from detectors.features.tables import CHUNK, read_only
from detectors.identities import kernels
from detectors.identities.kernels import Bounds, Output
from detectors.places import Places
from detectors.sightings import records
from detectors.sightings.kernels import CLOCK, META, Tables
from detectors.sightings.tables import Told

_TEXT_AT = EVENT.fields["text"][1] if EVENT.fields else 0
_RECORDS = (("subjects", "slots", 0, records.SUBJECT),)
_BESIDE = (
    ("counts", "subjects", records.COUNTERS, np.uint32),
    ("seen", "subjects", records.WORDS, np.uint64),
    ("text", "subjects", records.TEXT, np.uint8),
)
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


def text_of(events: NDArray[np.void]) -> NDArray[np.uint8]:
    """The text of EVENT rows: u1[n, TEXT], a view."""
    raw = events.view(np.uint8).reshape(len(events), EVENT.itemsize)
    return raw[:, _TEXT_AT : _TEXT_AT + TEXT]


class Identities:
    """State of the kernel."""

    def __init__(self, parameters: IdentityParameters, bounds: Bounds, places: Places) -> None:
        self.bounds = bounds
        self._places = places
        n = parameters.subjects
        beside = {name: np.zeros((n, columns), kind) for name, _, columns, kind in _BESIDE}
        self.tables = Tables(
            subjects=zeros(n + 1, records.SUBJECT),
            slots=np.zeros(1 << max(4, (2 * n - 1).bit_length()), np.uint64),
            meta=np.zeros(META, np.int64),
            **beside,
        )
        self.tables.meta[CLOCK] = FAR_PAST
        self._output = _output(0)

    @property
    def used(self) -> int:
        """Records in use."""
        return int(self.tables.meta[USED])

    @property
    def evicted(self) -> int:
        """Records given up for newer ones."""
        return int(self.tables.meta[EVICTED])

    @property
    def nbytes(self) -> int:
        """Bytes reserved (committed only as tables fill)."""
        return sum(array.nbytes for array in self.tables)

    def observe(self, events: NDArray[np.void]) -> Told:
        """Take in at most CHUNK EVENT rows that are `concerned`."""
        n = len(events)
        if n > CHUNK:
            raise ValueError(f"at most {CHUNK} rows at a time, not {n}")
        if len(self._output.rows) < _COPIES * n:
            self._output = _output(_COPIES * max(n, 256))
        events = read_only(events, EVENT)
        networks = self.networks(events)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe(events, text_of(events), networks, self.tables, self.bounds, self._output)
        out = self._output
        told = int(out.n[0])
        return Told(out.subjects[:told], out.rows[:told], out.counts[:told], out.seen[:told], out.text[:told])

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

    def snapshot(self) -> Parts:
        """The used part of every table; views of live state."""
        return keeping.snapshot(self.tables._asdict(), _RECORDS, [each[:2] for each in _BESIDE])

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it does not fit the settings."""
        keeping.restore(self.tables._asdict(), parts, _RECORDS, [each[:2] for each in _BESIDE])


def _output(n: int) -> Output:
    beside: dict[str, Any] = {name: np.empty((n, columns), kind) for name, _, columns, kind in _BESIDE}
    return Output(np.empty(n, records.SUBJECT), np.empty(n, np.int64), n=np.zeros(1, np.int64), **beside)
