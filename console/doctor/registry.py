"""The checks by name, in the order in which they are told."""

from __future__ import annotations

from console.doctor import engines, kept, machine
from console.doctor.check import Check

CHECKS: dict[str, Check] = {
    "python": machine.python,
    "disk": machine.disk,
    "kernels": machine.kernels,
    "programs": machine.programs,
    "live": machine.live,
    "transport": engines.transport,
    "store": engines.store,
    "databases": kept.databases,
    "audit": kept.audit,
    "accounts": kept.accounts,
    "register": kept.register,
    "backups": kept.backups,
    "service": kept.service,
}
