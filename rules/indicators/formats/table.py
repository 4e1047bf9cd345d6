"""Lists in columns: CSV with comma, semicolon, tab or bar, whose first line (or last remark) names them."""

from __future__ import annotations

import csv

from rules.indicators.formats.base import Entry, Listing
from rules.indicators.formats.plain import NAMES

#: What columns are called, by what they are to us.
_COLUMNS = {
    "value": ("value", "indicator", "ioc", "ioc_value", "observable", "指标", "值"),
    "kind": ("type", "kind", "ioc_type", "indicator_type", "类型"),
    "source": ("source", "feed", "provider", "reporter", "来源"),
    "confidence": ("confidence", "confidence_level", "score", "置信度"),
    "severity": ("severity", "risk", "threat_level", "级别"),
    "begins": ("valid_from", "first_seen", "first_seen_utc", "firstseen", "生效时间"),
    "ends": ("valid_until", "expires", "expiration", "expiry", "失效时间"),
    "title": ("title", "description", "threat", "malware", "malware_printable", "name", "comment", "说明"),
}
#: Columns that are values and say of which kind.
_VALUES = {
    "ip": "address", "ip_address": "address", "dst_ip": "address", "dest_ip": "address", "cidr": "address",
    "prefix": "address", "domain": "domain", "hostname": "domain", "host": "domain", "url": "url",
    "md5": "md5", "md5_hash": "md5", "sha1": "sha1", "sha1_hash": "sha1", "sha256": "sha256",
    "sha256_hash": "sha256", "ja3": "ja3", "ja3_md5": "ja3", "ja3s": "ja3s", "ja4": "ja4",
}  # fmt: skip
#: What kinds are called in columns, beside the names of plain lists.
_KINDS = NAMES | {
    "ipv4": "address", "ipv6": "address", "ip-dst": "address", "ip-src": "address", "ip address": "address",
    "md5_hash": "md5", "sha1_hash": "sha1", "sha256_hash": "sha256", "fqdn": "domain", "uri": "url",
    "ipv4-addr": "address", "ipv6-addr": "address", "domain-name": "domain", "网址": "url", "域名": "domain",
    "地址": "address",
}  # fmt: skip
_DELIMITERS = ",;\t|"
_ROLES = {name: role for role, names in _COLUMNS.items() for name in names}


def delimiter_of(text: str) -> str:
    """The character that parts columns whose names are known, or nothing: this is no table."""
    return _head_of(text)[0]


def _head_of(text: str) -> tuple[str, list[str], bool]:
    """The character that parts columns, their names, and whether a remark names them."""
    first, remark = _heads(text)
    for line, least, remarked in ((remark, 2, True), (first, 1, False)):
        for delimiter in _DELIMITERS:
            names = _names(line, delimiter)
            known = sum(name in _VALUES or name in _ROLES for name in names)
            if (
                len(names) > 1
                and known >= least
                and any(name in _VALUES or _ROLES.get(name) == "value" for name in names)
            ):
                return delimiter, names, remarked
    return "", [], False


def _heads(text: str) -> tuple[str, str]:
    """Lines that may name the columns: the first that is no remark, and the last remark before it."""
    remark = ""
    for line in text.splitlines():
        if line.startswith("#"):
            remark = line.lstrip("# ")
        elif line.strip():
            return line, remark
    return "", remark


def _names(line: str, delimiter: str) -> list[str]:
    row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [name.strip().lower() for name in row]


def read(text: str, listing: Listing) -> None:
    """Read a table; raises InputError where its columns are not named."""
    delimiter, columns, remarked = _head_of(text)
    if not delimiter:
        raise listing.broken("no line names columns that are known (value, type, source, …)")
    named = remarked
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if named:
            _row(line, delimiter, columns, number, listing)
        named = True


def _row(line: str, delimiter: str, columns: list[str], number: int, listing: Listing) -> None:
    place = f"line {number}"
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error as e:
        listing.refuse(place, line, str(e))
        return
    if len(cells) > len(columns):
        listing.refuse(place, line, f"{len(cells)} columns where {len(columns)} are named")
        return
    given = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    told: dict[str, str] = {}
    for name, cell in given.items():
        if (role := _ROLES.get(name)) and cell and role not in told:
            told[role] = cell
    word = told.get("kind", "").lower()
    values = [(kind, given[name]) for name, kind in _VALUES.items() if given.get(name)]
    if "value" in told:
        if word and word not in _KINDS and word not in {"ip:port", "ip-dst|port"}:
            listing.refuse(place, told["value"], f"values of type {word!r} are not looked for")
            return
        values = [(_KINDS.get(word, ""), told["value"])]
        if word in {"ip:port", "ip-dst|port"}:
            values = [("address", told["value"].replace("|", ":").rpartition(":")[0].strip("[]"))]
    if not values:
        listing.refuse(place, line, "there is no value")
    for kind, value in values:
        listing.take(
            Entry(
                value, place, kind, told.get("source", ""), told.get("confidence"), told.get("severity"),
                told.get("begins"), told.get("ends"), told.get("title", ""),
            )
        )  # fmt: skip
