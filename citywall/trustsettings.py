"""Settings of accounts and of the audit log."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[audit]`: the hash-chained log. The law asks for six months (网络安全法第二十三条)."""

    file_mib: Annotated[
        int,
        Meta(ge=1, le=1024, description="Mebibytes after which a new file is begun; months have their own."),
    ] = 16
    retention_days: Annotated[
        int, Meta(ge=184, le=36500, description="Days that audit records are kept at least.")
    ] = 730


class AccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[accounts]`: log-ins and passwords (GB/T 22239-2019 8.1.4.1)."""

    failures: Annotated[
        int, Meta(ge=2, le=100, description="Failed log-ins in a row that lock an account.")
    ] = 5
    window_minutes: Annotated[int, Meta(ge=1, le=1440, description="Minutes within which they fall.")] = 15
    lock_minutes: Annotated[
        int, Meta(ge=1, le=10080, description="Minutes that the account is then locked.")
    ] = 30
    password_length: Annotated[int, Meta(ge=8, le=128, description="Least characters of a password.")] = 12
    password_days: Annotated[
        int, Meta(ge=0, le=3650, description="Days after which a password must be changed; 0 for never.")
    ] = 90
