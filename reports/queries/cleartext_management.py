"""Clear-text management services (FTP, Telnet, r-commands) that registered hosts answered on.

GB/T 22239-2019 8.1.4.1 c: remote management is to be protected against eavesdropping.
"""

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs

#: TCP ports: FTP, Telnet, rexec, rlogin, rsh.
PORTS = {21: "ftp", 23: "telnet", 512: "exec", 513: "login", 514: "shell"}


def answer(inputs: Inputs) -> Figure:
    """Hosts of the register that answered on one of these ports in the day; judged by port."""
    if inputs.register is None:
        return absent("cleartext_management", "no_register")
    if not inputs.flows:
        return absent("cleartext_management", "nothing_seen")
    ordered = sorted(inputs.services, key=lambda s: (-s.flows, s.host, s.port))
    return Figure(
        "cleartext_management", "observed", (), {"flows": inputs.flows, "hosts": inputs.hosts},
        {"services": len(ordered), "hosts": len({s.host for s in ordered})},
        (Column("host"), Column("service"), Column("unit", "name"), Column("flows", "count")),
        tuple(
            (s.host, f"{PORTS.get(s.port, '')}/{s.port}",
             inputs.unit_name(s.unit) if s.unit else None, s.flows)
            for s in ordered[: inputs.top]
        ),
    )  # fmt: skip


QUERY = Query("cleartext_management", "watch", answer)
