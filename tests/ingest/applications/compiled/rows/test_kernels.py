from __future__ import annotations

import numpy as np

from citywall.applicationsettings import ApplicationSettings
from citywall.kernels import bare_kernel
from ingest.applications.compiled.layout import META_AT, SHORT_ARENA, SHORT_ROWS
from ingest.applications.compiled.reading import Reading
from ingest.applications.compiled.rows import kernels
from ingest.applications.parser import MOST_OPEN
from ingest.applications.tables import FIELD, KIND
from ingest.applications.wanted import Wanted


@bare_kernel
def some_rows(mem, data, kinds, fields):
    """A transaction with a buffer of each kind and a number of each field."""
    tx = kernels.begin(mem, 0, 4, 1, 2)
    for kind in kinds:
        kernels.put(mem, tx, kind, 0, 0, 1, data, 0, len(data))
    for field in fields:
        kernels.note(mem, tx, field, 0, 0, 1, 9)


@bare_kernel
def many_begun(mem, n):
    for _ in range(n):
        kernels.begin(mem, 0, 4, 1, 2)


@bare_kernel
def enough(mem, txs, rows, size):
    return kernels.enough(mem, txs, rows, size, 1, 1)


def fresh(wanted):
    reading = Reading(ApplicationSettings(), wanted, keep=True)
    reading._mem.flows[0]["first"] = reading._mem.flows[0]["last"] = -1
    return reading, reading._mem


def test_only_what_is_wanted_makes_rows():
    _, mem = fresh(Wanted(kinds=frozenset({"dns.query"}), fields=frozenset({"dns.id"})))
    kinds = np.array([KIND["dns.query"], KIND["dns.rdata"]])
    fields = np.array([FIELD["dns.id"], FIELD["dns.flags"]])
    some_rows(mem, np.frombuffer(b"abc", np.uint8).copy(), kinds, fields)
    assert (mem.meta[META_AT["puts"]], mem.meta[META_AT["notes"]], mem.meta[META_AT["arena"]]) == (1, 1, 3)
    assert mem.arena[:3].tobytes() == b"abc"


def test_the_oldest_of_too_many_is_over():
    reading, mem = fresh(Wanted())
    while len(mem.txs) <= MOST_OPEN + 1:
        reading.make_room("txs", "over")
        mem = reading._mem
    many_begun(mem, MOST_OPEN + 1)
    assert mem.over[: mem.meta[META_AT["over"]]].tolist() == [0]


def test_what_is_short_is_told():
    _, mem = fresh(Wanted())
    assert enough(mem, 1, 1, 1)
    assert not enough(mem, 1, len(mem.puts) + 1, len(mem.arena) + 1)
    assert mem.meta[META_AT["short"]] == SHORT_ROWS | SHORT_ARENA
