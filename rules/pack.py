"""The signatures that ship with Citywall."""

from __future__ import annotations

from pathlib import Path

#: What stands for the file where files of rules are named.
NAME = "shipped"
SHIPPED = Path(__file__).parent / "shipped" / "citywall.rules"
#: Metadata of a rule: the class of attack it speaks of, as manifests name them; its message in Chinese.
ATTACK_CLASS, MESSAGE_ZH = "attack_class", "message_zh"


def found(path: Path) -> Path:
    """The file that is meant: the one that ships for its name, where there is none of that name."""
    return SHIPPED if str(path) == NAME and not path.exists() else path.resolve()
