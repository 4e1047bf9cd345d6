"""Mapping files: which of a log's columns, keys or pairs are which of ours. TOML, one log a file.

::

    name = "edge-firewall"
    format = "pairs"            # csv, json (one object a line), pairs (key=value, syslog)
    separator = ","             # of csv
    columns = ["a", "b"]        # of csv without a header line
    recognise = "devname="      # a text that one of the first lines has
    oneway = false              # true: a line is one direction of a flow
    kind = "flow"               # login: log-ins of accounts; audit: what accounts take out of a database
    [fields]                    # the Elastic Common Schema's name = the log's name
    "event.start" = "eventtime"
    "source.ip" = "srcip"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from citywall.errors import SettingsError

#: What can be mapped. Times are epoch seconds, milliseconds or ISO 8601; `event.duration` is nanoseconds and
#: `duration` seconds; `network.transport` a name or number.
FIELDS = (
    "event.start", "event.end", "event.duration", "duration", "source.ip", "source.port", "destination.ip",
    "destination.port", "network.transport", "source.packets", "destination.packets", "source.bytes",
    "destination.bytes", "network.vlan.id", "tcp.flags", "user.name", "event.outcome", "service.name",
    "database.rows", "database.bytes",
)  # fmt: skip
REQUIRED = {
    "flow": ("event.start", "source.ip", "destination.ip", "network.transport"),
    "login": ("event.start", "user.name", "event.outcome"),
    "audit": ("event.start", "user.name", "database.rows"),
}


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mapping file."""

    name: str
    format: Literal["csv", "json", "pairs"]
    fields: dict[str, str]
    recognise: str
    separator: str = ","
    columns: tuple[str, ...] = ()
    oneway: bool = False
    kind: Literal["flow", "login", "audit"] = "flow"

    def fault(self) -> str:
        """What is wrong with it, or nothing."""
        if unknown := sorted(set(self.fields) - set(FIELDS)):
            return f"no such field: {unknown[0]}"
        if lacking := [name for name in REQUIRED[self.kind] if name not in self.fields]:
            return f"{lacking[0]} is not mapped"
        if len(self.separator) != 1 or ord(self.separator) > 127:
            return "the separator must be one ASCII character"
        return "" if self.recognise else "`recognise` is empty: every log would be taken for this one"


def load(path: Path) -> Mapping:
    """Read a mapping file; raises SettingsError naming it and the key."""
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Mapping)
    except OSError as e:
        raise SettingsError(str(path), "(file)", e.strerror or str(e)) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError(str(path), "(file)", f"is not TOML: {e}") from e
    except msgspec.ValidationError as e:
        raise SettingsError(str(path), "(mapping)", str(e)) from e
    if fault := mapping.fault():
        raise SettingsError(str(path), "fields", fault)
    return mapping
