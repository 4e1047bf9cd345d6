"""What of the application layers somebody will look at: the rest need not be read, or not be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from ingest.applications.tables import FIELD, KIND

#: Buffers that parsers themselves look back at.
_OWN: Final = frozenset({"http.method", "http.uri.raw"} | {kind for kind in KIND if kind.startswith("smtp.")})


@dataclass(frozen=True)
class Wanted:
    """Protocols that are read, of others it is only found out that they are spoken; buffers and numbers kept.

    None: all. `calls`: whether commands of SMB and calls of DCE/RPC are looked at, or only the files that
    they carry and when a message was whole.
    """

    protocols: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    calls: bool = True

    def reads(self, protocol: str) -> bool:
        """Whether a protocol's messages are read."""
        return self.protocols is None or protocol in self.protocols

    def with_kinds(self, kinds: frozenset[str]) -> Wanted:
        """The same, and buffers of these kinds, whatever protocol has them."""
        return replace(self, protocols=None, kinds=None if self.kinds is None else self.kinds | kinds)

    @cached_property
    def kept(self) -> Mapping[str, int]:
        """The numbers of the kinds that are kept."""
        if self.kinds is None:
            return KIND
        return {kind: number for kind, number in KIND.items() if kind in self.kinds or kind in _OWN}

    @cached_property
    def noted(self) -> Mapping[str, int]:
        """The numbers of the fields that are kept."""
        if self.fields is None:
            return FIELD
        return {name: number for name, number in FIELD.items() if name in self.fields}


#: Everything.
ALL: Final = Wanted()
