"""`iprep`: what lists say of addresses, by category, as address ranges of rules' headers.

Lists are in Suricata's form: categories are lines `number,NAME,description`, reputations lines `address or
prefix,number of category,0..127`. The longest prefix that has a category decides. What a rule asks of it is
known as soon as the lists are read, so it becomes a part of its header: such a rule costs what one with an
address list costs, and is told once for each direction of a flow where it asks for addresses alone.
"""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path

from citywall.addresses import to_words
from citywall.errors import InputError
from rules.language.addresses import ALL_ADDRESSES, ALL_PORTS, Ranges, merge
from rules.language.model import Reputation, Rule

#: Why a rule cannot match before lists are applied; what `rules check` says.
NO_LISTS = "iprep needs rules.reputation_categories and rules.reputation_files"
_TOP = ALL_ADDRESSES[0][1]
_MOST_TOLD = 20
#: Entries that are read, of all files.
MOST = 2_000_000


class Reputations:
    """What lists say: by category's name in lower case disjoint (first, last, value), in order.

    `refused` tells the first lines that cannot be used, `refused_count` how many there are.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, list[tuple[int, int, int]]] = {}
        self.refused: list[str] = []
        self.refused_count = 0

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._by_name

    def having(self, asked: Reputation) -> Ranges:
        """The addresses of which what is asked holds."""
        known = self._by_name[asked.category.lower()]
        if asked.missing:
            return _outside(merge([(low, high) for low, high, _ in known]))
        return merge([(low, high) for low, high, value in known if asked.number.agrees(value)])

    def know(self, name: str, entries: dict[tuple[int, int], int]) -> None:
        """Take what is said in one category."""
        self._by_name[name] = _flat(entries)

    def refuse(self, place: str, reason: object) -> None:
        """Note a line that cannot be used."""
        self.refused_count += 1
        if len(self.refused) < _MOST_TOLD:
            self.refused.append(f"{place}: {reason}")


def read(categories: Path, lists: Iterable[Path]) -> Reputations:
    """Read files; raises InputError for one that cannot be read, or where no category can be used."""
    known, names = Reputations(), dict[int, str]()
    for place, fields in _lines(categories):
        try:
            number, name = int(fields[0]), fields[1].strip().lower()
            if not 0 < number < 256 or not name:
                raise ValueError("a category is a number from 1 to 255 and a name")
            names[number] = name
        except (ValueError, IndexError) as e:
            known.refuse(place, e)
    if not names:
        raise InputError(str(categories), "it holds no category of reputation")
    found: dict[int, dict[tuple[int, int], int]] = {number: {} for number in names}
    count = 0
    for file in lists:
        for place, fields in _lines(file):
            count += 1
            try:
                if count > MOST:
                    raise ValueError(f"more than {MOST} entries")
                span, category, value = _entry(fields)
                if category not in found:
                    raise ValueError(f"there is no category {category}")
                found[category][span] = value
            except (ValueError, IndexError) as e:
                known.refuse(place, e)
    for number, entries in found.items():
        known.know(names[number], entries)
    return known


def _lines(file: Path) -> Iterable[tuple[str, list[str]]]:
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as e:
        raise InputError(str(file), e.strerror or str(e)) from e
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{file}, line {number}", line.split(",")


def _entry(fields: Sequence[str]) -> tuple[tuple[int, int], int, int]:
    network = ipaddress.ip_network(fields[0].strip(), strict=False)
    high, low = to_words(str(network.network_address))
    first = high << 64 | low
    value = int(fields[2])
    if not 0 <= value <= 127:
        raise ValueError(f"a reputation is 0 to 127, not {value}")
    return (first, first + network.num_addresses - 1), int(fields[1]), value


def _flat(entries: dict[tuple[int, int], int]) -> list[tuple[int, int, int]]:
    """Prefixes, which lie in each other or apart, as ranges that lie apart: the inner ones count."""
    out: list[tuple[int, int, int]] = []
    around: list[tuple[int, int]] = []  # (last, value) of what is open, the innermost at the end
    at = 0

    def until(place: int) -> None:
        nonlocal at
        if around and place > at:
            out.append((at, place - 1, around[-1][1]))
        at = max(at, place)

    for (low, high), value in sorted(entries.items(), key=lambda entry: (entry[0][0], -entry[0][1])):
        while around and around[-1][0] < low:
            until(around[-1][0] + 1)
            around.pop()
        until(low)
        at = low
        around.append((high, value))
    while around:
        until(around[-1][0] + 1)
        around.pop()
    return out


def _outside(ranges: Ranges) -> Ranges:
    """Every other address."""
    edges = [-1, *(edge for span in ranges for edge in span), _TOP + 1]
    return tuple(
        (low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True) if high > low + 1
    )


def both(one: Ranges, other: Ranges) -> Ranges:
    """The addresses that are in two merged lists."""
    out: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low <= high:
            out.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


def applied(rules: Sequence[Rule], known: Reputations | None) -> list[Rule]:
    """Rules with what they ask of reputations in their headers; the others are the same objects."""
    return [_applied(rule, known) if rule.reputations else rule for rule in rules]


def _applied(rule: Rule, known: Reputations | None) -> Rule:
    made = copy.copy(rule)
    made.cannot = [why for why in rule.cannot if why != NO_LISTS]
    if known is None:
        made.cannot.append(NO_LISTS)
        return made
    for asked in rule.reputations:
        if asked.category not in known:
            made.cannot.append(f"iprep: there is no category {asked.category}")
            return made
        addresses = known.having(asked)
        if asked.side == "any":
            _either(made, addresses)
        elif made.both_ways:
            made.cannot.append("iprep of one side does not go with <>")
        else:
            if asked.side in {"src", "both"}:
                made.source = both(made.source, addresses)
            if asked.side in {"dst", "both"}:
                made.target = both(made.target, addresses)
    if not (made.source and made.target):
        made.cannot.append("iprep: no address has such a reputation")
    return made


def _either(rule: Rule, addresses: Ranges) -> None:
    """One of both ends: what `addresses any <> any any` says, if the header says nothing else."""
    plain = (rule.source, rule.source_ports, rule.target, rule.target_ports)
    if plain != (ALL_ADDRESSES, ALL_PORTS, ALL_ADDRESSES, ALL_PORTS):
        rule.cannot.append("iprep:any goes with `any any -> any any` alone")
    rule.source, rule.both_ways = addresses, True
