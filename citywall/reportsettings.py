"""Settings of posture and of reports, part of `citywall.settings`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class PostureSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[posture]`: the five-axis index of systems, units and the city."""

    window_hours: Annotated[
        int, Meta(ge=1, le=8784, description="Hours before the moment asked about that count.")
    ] = 24


class ReportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[report]`: the nightly report."""

    time_zone: Annotated[
        str, Meta(min_length=1, description="Time zone that report days are counted in (IANA name).")
    ] = "Asia/Shanghai"
    day_begins_hour: Annotated[
        int, Meta(ge=0, le=23, description="Hour of local time at which a report day begins.")
    ] = 0
    top: Annotated[int, Meta(ge=1, le=100, description="Rows of a list of the foremost.")] = 10
    #: 网络安全法第二十三条 asks for six months: 181 to 184 days.
    retention_days: Annotated[
        int, Meta(ge=184, le=36500, description="Days of logs that the report expects to be kept.")
    ] = 190
    backup_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days within which the report expects a backup.")
    ] = 7
