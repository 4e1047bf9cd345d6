"""Files of lists, whatever their form: what each holds is seen from what stands in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from citywall.errors import InputError
from rules.indicators.formats import misp, plain, stix, table
from rules.indicators.formats.base import Listing
from rules.indicators.model import Indicators

#: Bytes of a file that is read.
LARGEST = 256 << 20
#: Indicators that are kept; more are refused.
MOST = 4_000_000
#: Names under which lists are looked for in folders.
SUFFIXES = frozenset({".txt", ".ioc", ".list", ".csv", ".tsv", ".json", ".stix", ".misp"})


def read(files: Sequence[Path]) -> Indicators:
    """The indicators of files; raises InputError for one that cannot be read at all."""
    found = Indicators()
    for file in files:
        _read(file, found)
    return found


def _read(file: Path, into: Indicators) -> None:
    try:
        if file.stat().st_size > LARGEST:
            raise InputError(str(file), f"a list has at most {LARGEST >> 20} MiB")
        text = file.read_bytes().decode("utf-8-sig", "replace")
    except OSError as e:
        raise InputError(str(file), e.strerror or str(e)) from e
    listing = Listing(str(file), file.stem, into)
    if text.lstrip()[:1] in {"{", "["} and not text.lstrip().startswith("[Adblock"):
        _json(text, listing)
    elif table.delimiter_of(text):
        table.read(text, listing)
    elif plain.hosts_file(text):
        plain.read_hosts(text, listing)
    else:
        plain.read(text, listing)
    if len(into.found) > MOST:
        raise InputError(str(file), f"at most {MOST} indicators are kept")


def _json(text: str, listing: Listing) -> None:
    try:
        tree: Any = json.loads(text)
    except json.JSONDecodeError as e:
        raise InputError(listing.file, f"this is not JSON: {e.msg}", line=e.lineno) from e
    except RecursionError as e:
        raise InputError(listing.file, "this JSON is nested too deeply") from e
    first = tree[0] if isinstance(tree, list) and tree else tree
    if isinstance(first, dict) and (
        first.get("type") == "bundle" or str(first.get("id", "")).startswith("indicator--")
    ):
        stix.read(tree, listing)
    elif isinstance(first, dict) and {"Event", "response", "Attribute"} & set(first):
        misp.read(tree, listing)
    else:
        raise listing.broken("this JSON is neither a STIX 2.1 bundle nor a MISP event")
