"""`[rules]`: signatures, their variables and limits."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class RuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which signatures a run matches, and what their variables stand for."""

    files: Annotated[
        tuple[str, ...], Meta(description="Files of rules in Suricata's language; `--rules` adds to them.")
    ] = ()
    addresses: Annotated[
        dict[str, str],
        Meta(
            description="Address variables by name, such as DNS_SERVERS; HOME_NET is `home` where not given."
        ),
    ] = {}
    ports: Annotated[dict[str, str], Meta(description="Port variables by name, such as HTTP_PORTS.")] = {}
    threshold_file: Annotated[
        str, Meta(description="A file of suppress, threshold and rate_filter lines, or nothing.")
    ] = ""
