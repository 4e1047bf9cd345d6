"""What the detectors remember of a session, in tables that they share.

Tables are made when they are first asked for: they are dear to make, and some sessions need but a few.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from detectors.baselines.tables import Baselines
from detectors.bounds import bounds_of
from detectors.choosing import Chosen
from detectors.evasion import Evasion, EvasionParameters
from detectors.features.tables import FeatureParameters, Features
from detectors.fragments.records import FragmentRecords
from detectors.holding.tables import Holding
from detectors.holds import holds_of
from detectors.identities.tables import Identities
from detectors.limits import limits_of, reach_of
from detectors.norms import norms_of
from detectors.places import Places
from detectors.relations.tables import Relations
from detectors.scan import Scan, ScanParameters
from detectors.sightings.limits import told_of
from detectors.sightings.tables import Judge, Sightings

_SECOND = 1_000_000_000
_STATES = (
    "flows", "events", "relations", "claims", "fragments", "sightings", "baselines", "identities", "holding",
)  # fmt: skip


class Memory:
    """Tables of the sizes `chosen`, of what `share` judges; `judge` says which names look made."""

    def __init__(self, chosen: Chosen, share: tuple[int, int], places: Places, judge: Judge | None) -> None:
        self._told = told_of(chosen.parameters, share)
        self._sighted = chosen.sightings
        self._places, self._judge = places, judge
        self._norms = norms_of(chosen.parameters, places.home_masks, share)
        self._usual = chosen.baselines
        self._named = chosen.identities
        self._bounds = bounds_of(chosen.parameters, share)
        self._kept, self._holds = chosen.holding, holds_of(chosen.parameters, share)
        self._limits = limits_of(chosen.parameters, share)
        self._reach = reach_of(chosen.parameters, share)
        if places.ground:  # zones and units of both ends are asked for
            self._reach = self._reach._replace(contacts=True)
        scan = chosen.parameters[Scan.id]
        assert isinstance(scan, ScanParameters)
        self._event_limits = self._limits._replace(window=scan.arp_window_s * _SECOND, gate=scan.arp_targets)
        evasion = chosen.parameters[Evasion.id]
        assert isinstance(evasion, EvasionParameters)
        self._fragment_window = evasion.window_s * _SECOND
        sizes = self._sizes = chosen.features
        self._event_sizes = FeatureParameters(
            contacts=max(16, sizes.contacts // 16), groups=max(16, sizes.groups // 16), targets=16, logins=16
        )
        related = chosen.relations
        # flows and events keep apart, so each has only the tables that it fills
        least = dict.fromkeys(("pairs", "spreads", "services", "segments", "places", "edges"), 16)
        self._flow_relations = msgspec.structs.replace(related, bindings=16, cards=16)
        self._event_relations = msgspec.structs.replace(related, **least)

    @property
    def nbytes(self) -> int:
        """Bytes reserved for state when every table is full."""
        return sum(state.nbytes for state in self.states().values())

    def counts(self) -> dict[str, int]:
        """Entities held and given up, for reports and metrics."""
        return {
            **{f"{name}_held": n for name, n in self.flows.used.items()},
            **{f"{name}_evicted": n for name, n in self.flows.evicted.items()},
            **{f"resolution_{name}_evicted": n for name, n in self.events.evicted.items() if n},
            **{f"{name}_held": n for name, n in self.relations.used.items() if n},
            **{f"{name}_evicted": n for name, n in self.relations.evicted.items() if n},
            **{f"usual_{name}_held": n for name, n in self.baselines.used.items() if n},
            **{f"usual_{name}_evicted": n for name, n in self.baselines.evicted.items() if n},
            **{f"{name}_held": n for name, n in self.claims.used.items() if n},
            **{f"{name}_evicted": n for name, n in self.claims.evicted.items() if n},
            **self.fragments.counts,
            **({"subjects_held": n} if (n := self.sightings.used) else {}),
            **({"subjects_evicted": n} if (n := self.sightings.evicted) else {}),
            **({"identities_held": n} if (n := self.identities.used) else {}),
            **({"identities_evicted": n} if (n := self.identities.evicted) else {}),
            **({"lines_held": n} if (n := self.holding.used) else {}),
            **({"lines_evicted": n} if (n := self.holding.evicted) else {}),
        }

    def states(
        self,
    ) -> dict[str, Features | Relations | FragmentRecords | Sightings | Baselines | Identities | Holding]:
        """Everything that is remembered, by name."""
        return {name: getattr(self, name) for name in _STATES}

    def forget(self) -> None:
        """Let go of all of it."""
        for name in _STATES:
            self.__dict__.pop(name, None)

    @cached_property
    def relations(self) -> Relations:
        """Who deals with whom, by flows."""
        return Relations(self._flow_relations, self._reach)

    @cached_property
    def fragments(self) -> FragmentRecords:
        """Hosts that fragments come to."""
        return FragmentRecords(self._fragment_window)

    @cached_property
    def claims(self) -> Relations:
        """Who claims which address."""
        return Relations(self._event_relations, self._reach)

    @cached_property
    def baselines(self) -> Baselines:
        """What is usual."""
        return Baselines(self._usual, self._norms)

    @cached_property
    def identities(self) -> Identities:
        """Accounts, tickets, calls and addresses, by who has them."""
        return Identities(self._named, self._bounds, self._places)

    @cached_property
    def holding(self) -> Holding:
        """Connections that are held open."""
        return Holding(self._kept, self._holds)

    @cached_property
    def flows(self) -> Features:
        """Features of flows."""
        return Features(self._sizes, self._limits)

    @cached_property
    def events(self) -> Features:
        """Features of address resolution."""
        return Features(self._event_sizes, self._event_limits)

    @cached_property
    def sightings(self) -> Sightings:
        """What applications say."""
        return Sightings(
            self._sighted, self._told, self._places.are_home, self._judge, self._places.frontage.sources
        )
