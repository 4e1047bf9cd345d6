"""What can be played in a scene: one file a family, one line here a piece."""

from __future__ import annotations

from collections.abc import Callable

from drills.stage import Stage
from drills.traffic import floods, guessing, offices, operations, scans
from drills.traffic.plan import Plan

#: Benign traffic. The order is part of a scene's bytes.
BENIGN: tuple[Callable[[Stage], None], ...] = (
    operations.neighbours,
    operations.clocks,
    offices.web,
    offices.portal,
    offices.nat_office,
    offices.mail,
    offices.oa,
    offices.files,
    offices.mistakes,
    operations.administration,
    operations.monitoring,
    operations.backup,
    operations.exchange,
    operations.meeting,
)

#: Attacks, in order of time.
ATTACKS: tuple[Plan, ...] = (
    Plan("icmp-sweep", 0.08, scans.icmp_sweep, "scan", ("T1018",), "scan"),
    Plan("horizontal-scan", 0.16, scans.horizontal, "scan", ("T1046",), "scan"),
    Plan("vertical-scan", 0.27, scans.vertical, "scan", ("T1046",), "scan"),
    Plan("ssh-guessing", 0.39, guessing.ssh, "bruteforce", ("T1110.001",), "bruteforce"),
    Plan("arp-sweep", 0.56, scans.arp_sweep, "scan", ("T1018",), "scan"),
    Plan("ipv6-scan", 0.61, scans.ipv6, "scan", ("T1046",), "scan"),
    Plan("syn-flood", 0.70, floods.syn, "dos", ("T1498.001", "T1499.001"), "flood"),
    Plan("ntp-reflection", 0.80, floods.reflection, "dos", ("T1498.002",), "flood"),
    Plan("udp6-flood", 0.89, floods.udp6, "dos", ("T1498.001",), "flood"),
)
