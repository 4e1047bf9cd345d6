"""Settings of playbooks."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class MailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[playbooks.mail]`: the server that takes our mail (RFC 5321)."""

    host: Annotated[str, Meta(description="The mail server; empty for none.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")] = 587
    security: Annotated[
        str,
        Meta(pattern="^(starttls|tls|none)$", description="How the line is secured: starttls, tls or none."),
    ] = "starttls"
    ca_file: Annotated[
        str, Meta(description="Certificates (PEM) that the server's must be signed by; empty: the system's.")
    ] = ""
    sender: Annotated[str, Meta(description="The address that mail comes from.")] = ""
    user: Annotated[str, Meta(description="User at the mail server; empty for none.")] = ""
    password: Annotated[
        str, Meta(description="Name of the file in playbooks.secrets with the user's password.")
    ] = ""


class PlaybookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[playbooks]`: where playbooks are, who must agree, and what is never blocked."""

    folder: Annotated[
        str, Meta(description="Folder of playbooks beside those that ship; empty for none.")
    ] = ""
    protected: Annotated[
        tuple[str, ...],
        Meta(description="Prefixes that are never blocked: name servers, gateways, the platform above."),
    ] = ()
    approvals: Annotated[
        int, Meta(ge=1, le=5, description="People beside the requester who must approve a containment step.")
    ] = 1
    approval_minutes: Annotated[
        int, Meta(ge=1, le=10080, description="Minutes a request waits before it is escalated.")
    ] = 30
    manual_minutes: Annotated[
        int,
        Meta(ge=1, le=43200, description="Minutes that a manual step waits which says nothing else."),
    ] = 240
    block_minutes: Annotated[
        int, Meta(ge=1, le=43200, description="Minutes a block lasts at most, and where nothing is said.")
    ] = 1440
    escalate_to: Annotated[
        tuple[str, ...], Meta(description="Mail addresses that are told when something has waited too long.")
    ] = ()
    secrets: Annotated[
        str, Meta(description="Folder with a file for each secret that playbooks name; empty for none.")
    ] = ""
    syslog: Annotated[
        str,
        Meta(
            pattern=r"^(|(udp|tcp)://[^\s/]+:\d{1,5})$",
            description="Where syslog messages go: udp:// or tcp://HOST:PORT; empty for nowhere.",
        ),
    ] = ""
    mail: MailSettings = MailSettings()
