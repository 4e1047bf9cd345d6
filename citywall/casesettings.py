"""Settings of cases, and of what is reported and to whom."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class CaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[cases]`: how alerts become cases."""

    window_s: Annotated[
        int, Meta(ge=60, le=604800, description="Alerts about one host this close are one case.")
    ] = 14_400
    stage_window_s: Annotated[
        int, Meta(ge=60, le=2592000, description="The same for an alert of a later stage of the attack.")
    ] = 86_400
    cap_s: Annotated[
        int, Meta(ge=3600, le=31536000, description="Longest a case goes on before a new one begins.")
    ] = 604_800
    max_alerts: Annotated[
        int, Meta(ge=10, le=20000, description="Alerts of one case before a new one begins.")
    ] = 1000
    open_severity: Annotated[
        int, Meta(ge=1, le=5, description="Severity of one alert that opens a case.")
    ] = 4
    open_points: Annotated[
        int, Meta(ge=1, le=10000, description="Risk points of several alerts that open a case.")
    ] = 100


class ReportingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[reporting]`: which clock runs, and what stands on notices and warnings.

    The kind of operator is never guessed: without it no deadline is worked out.
    """

    operator: Annotated[
        str,
        Meta(
            pattern="^(|cii|central|other)$",
            description="Whose incidents are reported: cii, central, other; empty: no clock runs.",
        ),
    ] = ""
    sender: Annotated[str, Meta(max_length=100, description="Who signs notices and warnings.")] = ""
    sender_code: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{14}$",
            description="Area (6 digits), unit (3), sub-unit (3) and extension (2) in numbers of notices.",
        ),
    ] = "00000000000000"
    receipt_hours: Annotated[
        int, Meta(ge=1, le=720, description="Hours a unit has to acknowledge a notice.")
    ] = 24
    rectify_days: Annotated[
        int, Meta(ge=1, le=365, description="Days a unit has to put right what a notice names.")
    ] = 15
