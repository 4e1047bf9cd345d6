"""What a rule says about itself."""

from __future__ import annotations

import re

from rules.keywords.base import OPTIONAL, Keyword, plain, quoted, unquoted
from rules.language.builder import Builder

_CLASS = re.compile(r"^[a-zA-Z][\w-]*$")
#: The version whose language is spoken, for `requires`.
VERSION = (8, 0, 6)
_REQUIRED = re.compile(r"^version\s*(.*)$")
_VERSION = re.compile(r"^(<=|>=|<|>)\s*(\d+(?:\.\d+)*)$")
#: What `requires: feature` and `requires: keyword` may name; keywords are looked up in the registry.
FEATURES = frozenset({"ja3", "ja4", "ja"})


def msg(builder: Builder, value: str) -> None:
    """The alert's text."""
    builder.once("msg")
    builder.rule.message = plain(quoted(builder, value, "msg")[1])


def sid(builder: Builder, value: str) -> None:
    """The rule's number."""
    builder.once("sid")
    builder.rule.sid = builder.number(unquoted(value), "sid", 1, (1 << 32) - 1)


def gid(builder: Builder, value: str) -> None:
    """The group that the number belongs to."""
    builder.once("gid")
    builder.rule.gid = builder.number(unquoted(value), "gid", 0, (1 << 32) - 1)


def rev(builder: Builder, value: str) -> None:
    """The rule's revision."""
    builder.once("rev")
    builder.rule.rev = builder.number(unquoted(value), "rev", 0, (1 << 32) - 1)


def classtype(builder: Builder, value: str) -> None:
    """Short name of a class, which gives the priority."""
    name = unquoted(value)
    if not _CLASS.match(name):
        raise builder.fault(f"{name!r} is no name of a class")
    builder.rule.classtype = name.lower()


def priority(builder: Builder, value: str) -> None:
    """1 is the highest."""
    builder.once("priority")
    builder.rule.priority = builder.number(unquoted(value), "priority", 1, 255)


def reference(builder: Builder, value: str) -> None:
    """`reference:url,example.org/...`."""
    scheme, comma, place = value.partition(",")
    if not comma or not scheme.strip() or not place.strip():
        raise builder.fault("a reference needs a kind and a place")
    builder.rule.references.append((scheme.strip().lower(), plain(place.strip())))


def metadata(builder: Builder, value: str) -> None:
    """`metadata:key value, key value`."""
    for part in value.split(","):
        words = part.split(None, 1)
        if words:
            builder.rule.metadata.setdefault(words[0], []).append(words[1].strip() if len(words) > 1 else "")


def target(builder: Builder, value: str) -> None:
    """Which side is attacked."""
    if value.strip() not in {"src_ip", "dest_ip"}:
        raise builder.fault("target is src_ip or dest_ip")
    builder.rule.attacked = value.strip()


class NotForUs(Exception):
    """`requires` says that the rule is for another version: it is left out, which is no fault."""


def requires(builder: Builder, value: str) -> None:
    """`requires: feature x, version >= 7, keyword y`."""
    from rules.keywords.registry import KEYWORDS as KNOWN

    for part in (p.strip() for p in value.split(",")):
        words = part.split()
        if words[:1] == ["feature"] and len(words) == 2:
            met = words[1] in FEATURES
        elif words[:1] == ["keyword"] and len(words) == 2:
            met = words[1] in KNOWN
        elif match := _REQUIRED.match(part):
            met = any(
                all(_version(builder, one.strip()) for one in re.split(r"(?<=\d)\s+(?=[<>])", alternative))
                for alternative in match[1].split("|")
            )
        else:
            raise builder.fault(f"requires does not know {part!r}")
        if not met:
            raise NotForUs(part)


def _version(builder: Builder, text: str) -> bool:
    match = _VERSION.match(text)
    if match is None:
        raise builder.fault(f"requires: {text!r} is no comparison with a version")
    wanted = tuple(int(n) for n in match[2].split("."))
    wanted += (0,) * (3 - len(wanted))
    return {
        "<": wanted > VERSION,
        ">": wanted < VERSION,
        "<=": wanted >= VERSION,
        ">=": wanted <= VERSION,
    }[match[1]]


KEYWORDS = {
    "msg": Keyword(msg),
    "sid": Keyword(sid),
    "gid": Keyword(gid),
    "rev": Keyword(rev),
    "classtype": Keyword(classtype),
    "priority": Keyword(priority),
    "reference": Keyword(reference),
    "metadata": Keyword(metadata, OPTIONAL),
    "target": Keyword(target),
    "requires": Keyword(requires),
}
