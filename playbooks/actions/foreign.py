"""Commands of CACAO v2.0 (section 5) that Citywall knows and does not run: a playbook with one is valid.

`citywall playbooks lint` warns of them, and a run refuses the playbook before its first step.
"""

from __future__ import annotations

from msgspec import field

from playbooks.actions.base import CommandBase, Long


class _Foreign(CommandBase, frozen=True, kw_only=True):
    command: Long = ""
    command_b64: Long = ""
    headers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    content: Long = ""
    content_b64: Long = ""


class Bash(_Foreign, frozen=True, tag="bash"):
    """5.3."""


class Caldera(_Foreign, frozen=True, tag="caldera-cmd"):
    """5.4."""


class Elastic(_Foreign, frozen=True, tag="elastic"):
    """5.5."""


class Jupyter(_Foreign, frozen=True, tag="jupyter"):
    """5.7."""


class Kestrel(_Foreign, frozen=True, tag="kestrel"):
    """5.8."""


class OpenC2(_Foreign, frozen=True, tag="openc2-http"):
    """5.10."""


class PowerShell(_Foreign, frozen=True, tag="powershell"):
    """5.11."""


class Sigma(_Foreign, frozen=True, tag="sigma"):
    """5.12."""


class Ssh(_Foreign, frozen=True, tag="ssh"):
    """5.13."""


class Yara(_Foreign, frozen=True, tag="yara"):
    """5.14."""
