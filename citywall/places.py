"""What the register says of an address: the words that alerts and the register share."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Place(msgspec.Struct, frozen=True):
    """Where an address belongs; texts are empty and numbers None where the register is silent.

    `asset`, `system`, `unit` and `zone` are ids. `importance` is 1 to 5, five the most; `mlps_level` is the
    level of GB/T 22240 (1 to 5) the system is graded at; `cii` whether it is critical information
    infrastructure.
    """

    asset: str = ""
    asset_name: str = ""
    system: str = ""
    system_name: str = ""
    unit: str = ""
    unit_name: str = ""
    zone: str = ""
    zone_name: str = ""
    importance: int | None = None
    mlps_level: int | None = None
    cii: bool | None = None


#: The place of an address in a network domain (both as text), None where the register knows nothing of it.
Locate = Callable[[str, str], Place | None]
#: The place of a portal by its id, None where the register knows none of it.
LocatePortal = Callable[[str], Place | None]
