"""The relation kernel's state: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import EVENT, FLOW
from citywall.rows import zeros
from detectors import keeping
from detectors.features.kernels import AHEAD, FAR_PAST
from detectors.features.tables import ends_of, read_only, room_for
from detectors.relations import kernels, records
from detectors.relations.kernels import Output, Reach, Tables

#: (records, slots, place in meta, dtype).
_RECORDS = (
    ("pairs", "pair_slots", kernels.PAIRS, records.PAIR),
    ("spreads", "spread_slots", kernels.SPREADS, records.SPREAD),
    ("services", "service_slots", kernels.SERVICES, records.SERVICE),
    ("segments", "segment_slots", kernels.SEGMENTS, records.SEGMENT),
    ("bindings", "binding_slots", kernels.BINDINGS, records.BINDING),
    ("cards", "card_slots", kernels.CARDS, records.CARD),
    ("places", "place_slots", kernels.PLACES, records.PLACE),
    ("edges", "edge_slots", kernels.EDGES, records.EDGE),
)
#: What stands beside a record: (name, of, columns, dtype).
_BESIDE: tuple[tuple[str, str, int, Any], ...] = (
    ("reached", "spreads", records.REGISTERS, np.uint8),
    ("comers", "services", records.REGISTERS, np.uint8),
    ("masters", "services", records.KNOWN, np.uint64),
    ("speakers", "segments", records.KNOWN, np.uint64),
    ("claimed", "cards", records.CLAIMS, np.uint64),
    ("crowds", "places", records.CROWD, np.uint8),
)


#: Of a pair's latest flows, in rows that pairs with more than one have.
_SERIES = ("starts", "sizes")
_USED_BESIDE = [*(each[:2] for each in _BESIDE), *((name, "series") for name in (*_SERIES, "spare"))]
_POOLS = {"series": kernels.SERIES}


def _many(unit: str, least: int, most: int, description: str) -> Any:
    return Meta(ge=least, le=most, extra={"unit": unit}, description=description)


class RelationParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.relations]`: how many relations are remembered. Memory is taken as the tables fill."""

    pairs: Annotated[
        int,
        _many(
            "pairs",
            16,
            1 << 24,
            "Sources and services they deal with; about 290 bytes each, and 256 more with a second flow.",
        ),
    ] = 1 << 17
    spreads: Annotated[
        int,
        _many("entities", 16, 1 << 22, "Sources by port they reach others on; about 480 bytes each."),
    ] = 1 << 15
    services: Annotated[
        int,
        _many("entities", 16, 1 << 22, "Services that people log in to or that drive machinery; 530 bytes."),
    ] = 1 << 14
    segments: Annotated[
        int, _many("entities", 16, 1 << 16, "Network segments by what they announce; 270 bytes each.")
    ] = 1 << 10
    bindings: Annotated[
        int, _many("addresses", 16, 1 << 22, "Addresses and the cards that claim them; 190 bytes each.")
    ] = 1 << 16
    cards: Annotated[
        int, _many("cards", 16, 1 << 22, "Cards and the addresses they claim; 190 bytes each.")
    ] = 1 << 15
    places: Annotated[
        int, _many("hosts", 16, 1 << 24, "Hosts and how many come to them; 120 bytes each.")
    ] = 1 << 17
    edges: Annotated[
        int, _many("pairs", 16, 1 << 22, "Sources that administer a target; 240 bytes each.")
    ] = 1 << 14


@dataclass(frozen=True)
class Related:
    """Copies of records that changed in a way that may matter, each as of the row beside it.

    `*_rows` index the reports (or events) of the call, in row order. The next call overwrites them.
    """

    pairs: NDArray[Any]  # records.PAIR
    pair_rows: NDArray[np.int64]
    starts: NDArray[np.uint32]  # [pairs, STARTS], of pairs with flows enough to be judged,
    sizes: NDArray[np.uint32]  # [pairs, STARTS]   as many as it has flows
    spreads: NDArray[Any]  # records.SPREAD
    spread_rows: NDArray[np.int64]
    reached: NDArray[np.uint8]  # [spreads, REGISTERS]
    services: NDArray[Any]  # records.SERVICE
    service_rows: NDArray[np.int64]
    comers: NDArray[np.uint8]  # [services, REGISTERS]
    segments: NDArray[Any]  # records.SEGMENT
    segment_rows: NDArray[np.int64]
    bindings: NDArray[Any]  # records.BINDING
    binding_rows: NDArray[np.int64]
    cards: NDArray[Any]  # records.CARD
    card_rows: NDArray[np.int64]
    edges: NDArray[Any]  # records.EDGE
    edge_rows: NDArray[np.int64]


class Relations(keeping.ManyKept):
    """State of one relation kernel. Flows and events keep apart: give an instance only one of them."""

    records, beside, pools = _RECORDS, _USED_BESIDE, _POOLS

    def __init__(self, parameters: RelationParameters, reach: Reach) -> None:
        self.reach = reach
        self.parameters = parameters
        arrays: dict[str, Any] = {}
        for name, slots, _, dtype in _RECORDS:
            capacity: int = getattr(parameters, name)
            arrays[name] = zeros(capacity + 1, dtype)
            arrays[slots] = keeping.slots_for(capacity)
        for name, of, columns, kind in _BESIDE:
            arrays[name] = np.zeros((getattr(parameters, of), columns), kind)
        for name in _SERIES:
            arrays[name] = np.zeros((parameters.pairs, records.STARTS), np.uint32)
        arrays["spare"] = np.zeros(parameters.pairs, np.uint32)
        arrays["meta"] = np.zeros(kernels.META, np.int64)
        arrays["meta"][kernels.CLOCK] = FAR_PAST
        arrays["ahead"] = np.zeros((AHEAD, kernels.AHEAD_WORDS), np.uint64)
        self.tables = Tables(**arrays)
        self._output = _output(0, 0)

    def observe_flows(self, reports: NDArray[np.void], ends: NDArray[np.uint64] | None = None) -> Related:
        """Take in at most CHUNK FLOW rows; `ends` are theirs, where they are known."""
        n = room_for(len(reports))
        self._output = _output(n, 0) if len(self._output.pair_rows) < n else self._output
        ends = ends_of(reports) if ends is None else ends
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe_flows(read_only(reports, FLOW), ends, self.tables, self.reach, self._output)
        return self._related()

    def observe_events(self, events: NDArray[np.void]) -> Related:
        """Take in at most CHUNK EVENT rows."""
        n = room_for(len(events))
        self._output = _output(0, n) if len(self._output.card_rows) < n else self._output
        with np.errstate(over="ignore"):
            kernels.observe_events(read_only(events, EVENT), self.tables, self.reach, self._output)
        return self._related()

    def _related(self) -> Related:
        out = self._output
        pairs, spreads, services, segments, bindings, cards, edges = (int(n) for n in out.counts)
        return Related(
            out.pairs[:pairs], out.pair_rows[:pairs], out.starts[:pairs], out.sizes[:pairs],
            out.spreads[:spreads], out.spread_rows[:spreads], out.reached[:spreads],
            out.services[:services], out.service_rows[:services], out.comers[:services],
            out.segments[:segments], out.segment_rows[:segments],
            out.bindings[:bindings], out.binding_rows[:bindings],
            out.cards[:cards], out.card_rows[:cards],
            out.edges[:edges], out.edge_rows[:edges],
        )  # fmt: skip


def _output(flows: int, events: int) -> Output:
    """Room for what `flows` reports or `events` may change."""
    return Output(
        np.empty(flows, records.PAIR), np.empty(flows, np.int64),
        np.empty((flows, records.STARTS), np.uint32), np.empty((flows, records.STARTS), np.uint32),
        np.empty(flows, records.SPREAD), np.empty(flows, np.int64),
        np.empty((flows, records.REGISTERS), np.uint8),
        np.empty(flows, records.SERVICE), np.empty(flows, np.int64),
        np.empty((flows, records.REGISTERS), np.uint8),
        np.empty(2 * flows, records.SEGMENT), np.empty(2 * flows, np.int64),
        np.empty(events, records.BINDING), np.empty(events, np.int64),
        np.empty(events, records.CARD), np.empty(events, np.int64),
        np.empty(flows, records.EDGE), np.empty(flows, np.int64),
        np.zeros(kernels.OUTS, np.int64),
    )  # fmt: skip
