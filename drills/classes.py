"""Classes of attacks, as capture manifests name them, and which detectors speak of each."""

from __future__ import annotations

#: Which detectors (`rule.id`, or its part before the first dot) speak of a class. A class without any is one
#: that nothing looks for yet: captures of it are judged all the same.
DETECTORS: dict[str, frozenset[str]] = {
    "scan": frozenset({"scan", "ics"}),  # looking around in machinery is reconnaissance too
    "bruteforce": frozenset({"bruteforce", "spray"}),
    "dos": frozenset({"flood", "segment"}),
    "c2": frozenset({"beacon", "channel"}),
    "dns-tunnel": frozenset({"dnstunnel"}),
    "covert": frozenset({"covert", "policy"}),
    "exfiltration": frozenset({"exfiltration", "dnstunnel"}),
    "lateral": frozenset({"lateral", "spray"}),
    "exploit": frozenset({"lateral", "channel"}),
    "arp-spoof": frozenset({"segment"}),
    "long-conn": frozenset({"longconn"}),
    "ics": frozenset({"ics", "channel", "lateral"}),
}
#: Classes that a scenario or a truth file may name.
CLASSES = (
    "scan", "bruteforce", "dos", "c2", "dns-tunnel", "covert", "exfiltration", "lateral", "exploit",
    "web-attack", "arp-spoof", "long-conn", "evasion", "ics",
)  # fmt: skip


def detectors_of(class_: str) -> frozenset[str]:
    """The detectors of a class; none where nothing looks for it."""
    return DETECTORS.get(class_, frozenset())
