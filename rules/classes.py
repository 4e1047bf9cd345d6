"""Classes of rules and their priorities, as the widely used classification file has them."""

from __future__ import annotations

import re
from pathlib import Path

from citywall.errors import InputError

_LINE = re.compile(r"^config\s+classification:\s*([\w-]+)\s*,\s*[^,]*,\s*(\d+)\s*$")

_BY_PRIORITY = {
    1: "attempted-user unsuccessful-user successful-user attempted-admin successful-admin shellcode-detect "
    "trojan-activity web-application-attack inappropriate-content policy-violation targeted-activity "
    "exploit-kit domain-c2 credential-theft command-and-control",
    2: "bad-unknown attempted-recon successful-recon-limited successful-recon-largescale attempted-dos "
    "successful-dos rpc-portmap-decode suspicious-filename-detect suspicious-login system-call-detect "
    "unusual-client-port-connection denial-of-service non-standard-protocol web-application-activity "
    "misc-attack default-login-attempt external-ip-check pup-activity social-engineering coin-mining",
    3: "not-suspicious unknown string-detect network-scan protocol-command-decode misc-activity icmp-event",
    4: "tcp-connection",
}
CLASSES: dict[str, int] = {name: n for n, names in _BY_PRIORITY.items() for name in names.split()}


def read_classes(path: Path) -> dict[str, int]:
    """Priorities by class from a classification file; raises InputError."""
    found = dict(CLASSES)
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        match = _LINE.match(stripped)
        if match is None:
            raise InputError(str(path), "no classification", line=number)
        found[match[1].lower()] = int(match[2])
    return found
