from __future__ import annotations

import numpy as np

from citywall.applicationsettings import ApplicationSettings
from citywall.kernels import bare_kernel
from ingest.applications.compiled.layout import META_AT, PAGE
from ingest.applications.compiled.memory import kernels
from ingest.applications.compiled.reading import Reading
from ingest.applications.wanted import ALL


@bare_kernel
def held_and_removed(mem, data, out, times):
    """Bytes kept in pieces of 100, copied out, and given back."""
    flow = mem.flows[0]
    flow["tables"][0] = -1
    flow["ends"][0] = -1
    for _ in range(times):
        node = kernels.append(mem, flow, 0, 1, 2, 3)
        for at in range(0, len(data), 100):
            kernels.hold(mem, node, data, at, min(100, len(data) - at))
        kernels.copy_out(mem, np.int64(mem.nodes[node]["first"]), len(data), out, 0)
        kernels.remove(mem, flow, 0, node)


@bare_kernel
def remembered(mem, keys, most, found):
    """Which of so many keys are still known."""
    flow = mem.flows[0]
    flow["tables"][3] = -1
    flow["ends"][3] = -1
    for key in range(keys):
        kernels.remember(mem, flow, 3, key, 0, 0, most)
    for key in range(keys):
        found[key] = kernels.find(mem, flow, 3, key, 0, 0) >= 0
    kernels.remove_all(mem, flow, 3)


def fresh():
    return Reading(ApplicationSettings(), ALL, keep=True)._mem


def test_bytes_come_back_and_pages_are_used_again():
    mem = fresh()
    data = np.random.default_rng(1).integers(0, 256, 3 * PAGE + 7).astype(np.uint8)
    out = np.zeros(len(data), np.uint8)
    held_and_removed(mem, data, out, 5)
    np.testing.assert_array_equal(out, data)
    assert mem.meta[META_AT["pages"]] == 4
    assert mem.meta[META_AT["nodes"]] == 1


def test_a_list_keeps_the_newest():
    mem, found = fresh(), np.zeros(10, np.bool_)
    remembered(mem, 10, 4, found)
    assert np.flatnonzero(found).tolist() == [6, 7, 8, 9]
    assert int(mem.flows["counts"][0][3]) == 0
