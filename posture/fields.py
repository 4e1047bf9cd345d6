"""What the fields of a register may hold, declared once, and how their texts are read."""

from __future__ import annotations

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from citywall.portals import PIN
from posture.nodes import Fields, Items, Node, Scalar
from posture.records import VERSION

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER = re.compile(r"[0-9]{1,9}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,250}[A-Za-z0-9_])?|[0-9A-Fa-f:]{2,39}")
#: What a selector of a part of a page looks like.
SELECTOR = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}(?:[#.][\w-]{1,64})?|[#.][\w-]{1,64}")
_LONGEST = 200


class Bad(Exception):
    """A value that cannot be used: the key of the reason, and what fills it in."""

    def __init__(self, key: str, /, **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass(frozen=True)
class Field:
    """One field: how its value is read (raising :class:`Bad`), and whether it must be there.

    `each` reads the elements of a list; `table` has the fields of the tables in a list.
    """

    read: Callable[[Scalar], Any] | None = None
    each: Callable[[Scalar], Any] | None = None
    table: dict[str, Field] | None = None
    required: bool = False


def scalar(node: Node) -> Scalar:
    """`node` as a text; raises Bad."""
    if not isinstance(node, Scalar):
        raise Bad("not_text")
    return node


def items(node: Node) -> list[Node]:
    """The elements of `node`; raises Bad."""
    if not isinstance(node, Items):
        raise Bad("not_list")
    return node.items


def table(node: Node) -> Fields:
    """`node` as a table; raises Bad."""
    if not isinstance(node, Fields):
        raise Bad("not_map")
    return node


def text(node: Scalar) -> str:
    """A name: one line, not empty."""
    said = node.text.strip()
    if not said:
        raise Bad("empty")
    if len(said) > _LONGEST:
        raise Bad("too_long", most=str(_LONGEST))
    if _CONTROL.search(said):
        raise Bad("control")
    return said


def identifier(node: Scalar) -> str:
    """An id: it stands in queries and file names."""
    if not _ID.fullmatch(node.text):
        raise Bad("not_id", text=node.text[:_LONGEST])
    return node.text


def email(node: Scalar) -> str:
    """An e-mail address, as far as its form tells."""
    said = text(node)
    if not _EMAIL.fullmatch(said):
        raise Bad("not_email", text=said)
    return said


def number(low: int, high: int) -> Callable[[Scalar], int]:
    """Reads whole numbers from `low` to `high`."""

    def read(node: Scalar) -> int:
        if not _NUMBER.fullmatch(node.text) or not low <= int(node.text) <= high:
            raise Bad("not_number", low=str(low), high=str(high), text=node.text[:_LONGEST])
        return int(node.text)

    return read


def flag(node: Scalar) -> bool:
    """`true` or `false`, in no other words: `no` and `off` mean different things to different readers."""
    if node.text not in {"true", "false"}:
        raise Bad("not_flag", text=node.text[:_LONGEST])
    return node.text == "true"


def unclassified(node: Scalar) -> bool:
    """`false`: what is classified is refused."""
    if flag(node):
        raise Bad("classified")
    return False


def choice(*names: str) -> Callable[[Scalar], str]:
    """Reads one of `names`."""

    def read(node: Scalar) -> str:
        if node.text not in names:
            raise Bad("not_choice", names=", ".join(names), text=node.text[:_LONGEST])
        return node.text

    return read


def prefix(node: Scalar) -> str:
    """An address or prefix in canonical form (an address as `/32` or `/128`); no bits behind the mask."""
    said = text(node)
    try:
        net = ipaddress.ip_network(said)
    except ValueError as e:
        raise _not_prefix(said) from e
    if isinstance(net, ipaddress.IPv6Network):
        if net.network_address.ipv4_mapped is not None:
            raise Bad("mapped", text=said)
        if net.network_address.scope_id is not None:
            raise Bad("not_prefix", text=said)
    return str(net)


def _not_prefix(said: str) -> Bad:
    try:
        return Bad("host_bits", text=said, meant=str(ipaddress.ip_network(said, strict=False)))
    except ValueError:
        return Bad("not_prefix", text=said)


def url(node: Scalar) -> str:
    """The address of a web page: http or https, a host, nothing that logs in."""
    said = text(node)
    try:
        parts = urlsplit(said)
        host, port = parts.hostname or "", parts.port
    except ValueError as e:
        raise Bad("not_url", text=said) from e
    sound = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) and port != 0
    if not sound or "@" in parts.netloc or parts.fragment or " " in said:
        raise Bad("not_url", text=said)
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/").geturl()


def site(node: Scalar) -> str:
    """A host name, or all below one: `*.example.cn`."""
    said = text(node).lower().rstrip(".")
    if not _HOST.fullmatch(said.removeprefix("*.")):
        raise Bad("not_site", text=said)
    return said


def selector(node: Scalar) -> str:
    """A part of a page: `tag`, `#id`, `.class`, or a tag with one of them."""
    said = text(node)
    if not SELECTOR.fullmatch(said):
        raise Bad("not_selector", text=said)
    return said


def pin(node: Scalar) -> str:
    """The digest of a public key: `sha256/` and 32 bytes in Base64 (RFC 7469)."""
    said = text(node)
    try:
        sound = said.startswith(PIN) and len(b64decode(said.removeprefix(PIN), validate=True)) == 32
    except ValueError as e:
        raise Bad("not_pin", text=said) from e
    if not sound:
        raise Bad("not_pin", text=said)
    return said


def version(node: Scalar) -> int:
    """The version of the form of a file."""
    if node.text != str(VERSION):
        raise Bad("not_version", version=str(VERSION))
    return VERSION


_PERSON = {
    "name": Field(text, required=True),
    "role": Field(choice("head", "security", "liaison")),
    "phone": Field(text),
    "email": Field(email),
}
_NAMED = {
    "id": Field(identifier, required=True),
    "name": Field(text, required=True),
    "name_en": Field(text),
}
_GRADE = number(1, 5)

#: Fields of the entries of each section of a file.
SECTIONS: dict[str, dict[str, Field]] = {
    "units": {**_NAMED, "parent": Field(identifier), "persons": Field(table=_PERSON, required=True)},
    "zones": {
        **_NAMED,
        "internet": Field(flag),
        "reaches": Field(each=identifier),
        "exchange": Field(flag),
    },
    "systems": {
        **_NAMED,
        "unit": Field(identifier, required=True),
        "operator": Field(identifier),
        "zone": Field(identifier),
        "importance": Field(_GRADE, required=True),
        "mlps_level": Field(_GRADE),
        "cii": Field(flag),
        "classified": Field(unclassified),
    },
    "assets": {
        **_NAMED,
        "addresses": Field(each=prefix, required=True),
        "domain": Field(text),
        "system": Field(identifier),
        "unit": Field(identifier),
        "zone": Field(identifier),
        "importance": Field(_GRADE),
        "mlps_level": Field(_GRADE),
        "cii": Field(flag),
        "classified": Field(unclassified),
    },
    "prefixes": {
        "prefix": Field(prefix, required=True),
        "domain": Field(text),
        "name": Field(text),
        "system": Field(identifier),
        "unit": Field(identifier),
        "zone": Field(identifier),
        "classified": Field(unclassified),
    },
    "portals": {
        **_NAMED,
        "urls": Field(each=url, required=True),
        "asset": Field(identifier),
        "system": Field(identifier),
        "unit": Field(identifier),
        "ignore": Field(each=selector),
        "domains": Field(each=site),
        "pins": Field(each=pin),
        "issuers": Field(each=text),
        "interval": Field(number(1, 1440)),
        "classified": Field(unclassified),
    },
}
#: Fields of a file.
FILE = ("version", *SECTIONS)
