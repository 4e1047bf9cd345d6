"""Classes of attacks, as capture manifests name them, and which detectors speak of each."""

from __future__ import annotations

#: Which detectors (`rule.id`, or its part before the first dot) speak of a class, the one named for it
#: first. A class without any is one that nothing looks for yet: captures of it are judged all the same.
DETECTORS: dict[str, tuple[str, ...]] = {
    "scan": ("scan", "slowscan", "leasescan", "ics"),  # looking around in machinery is reconnaissance too
    "bruteforce": ("bruteforce", "spray", "loginfailures", "account"),
    "dos": ("flood", "requests", "segment", "slowflood", "leasepool"),
    "c2": ("beacon", "channel", "dga"),
    "dns-tunnel": ("dnstunnel", "nametunnel"),
    "covert": ("covert", "policy", "twohomes"),
    "exfiltration": ("exfiltration", "dnstunnel", "nametunnel", "volume", "personaldata", "account"),
    "web-attack": ("webattack",),
    "lateral": ("lateral", "spray", "passhash", "dcsync"),
    "exploit": ("lateral", "channel", "webattack", "passhash"),
    "arp-spoof": ("segment", "leasepool"),
    "long-conn": ("longconn",),
    "ics": ("ics", "channel", "lateral"),
    "evasion": ("evasion",),
}
#: Classes that a scenario or a truth file may name.
CLASSES = (
    "scan", "bruteforce", "dos", "c2", "dns-tunnel", "covert", "exfiltration", "lateral", "exploit",
    "web-attack", "arp-spoof", "long-conn", "evasion", "ics",
)  # fmt: skip


def detectors_of(class_: str) -> frozenset[str]:
    """The detectors of a class; none where nothing looks for it."""
    return frozenset(DETECTORS.get(class_, ()))


def detector_of(class_: str) -> str:
    """The detector that is named for a class; empty where nothing looks for it."""
    return next(iter(DETECTORS.get(class_, ())), "")


#: Classes of rules in Suricata's language, and what class of attack they speak of.
_SIGNATURES: dict[str, str] = {
    kind: class_
    for class_, kinds in {
        "scan": "attempted-recon network-scan successful-recon-limited successful-recon-largescale",
        "bruteforce": "default-login-attempt suspicious-login",
        "dos": "attempted-dos denial-of-service successful-dos",
        "c2": "trojan-activity command-and-control domain-c2 targeted-activity coin-mining pup-activity",
        "web-attack": "web-application-attack web-application-activity",
        "exploit": "attempted-admin attempted-user successful-admin successful-user shellcode-detect",
        "covert": "policy-violation",
    }.items()
    for kind in kinds.split()
}


def signature_class(kind: str) -> str:
    """The class of attack that a signature speaks of: what it names itself, else by its class of rules."""
    return kind if kind in CLASSES else _SIGNATURES.get(kind, "")
