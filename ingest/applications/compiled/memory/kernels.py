"""Bytes in pages and facts in nodes, kept of flows between pieces. The caller has seen that there is room."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, shared
from ingest.applications.compiled.layout import MARKS, META_AT, PAGE

PAGES = META_AT["pages"]
FREE_PAGE = META_AT["free_page"]
FREE_PAGES = META_AT["free_pages"]
NODES = META_AT["nodes"]
FREE_NODE = META_AT["free_node"]
FREE_NODES = META_AT["free_nodes"]


@internal
def pages_left(mem):
    """Pages that can still be given."""
    return len(mem.following) - mem.meta[PAGES] + mem.meta[FREE_PAGES]


@internal
def nodes_left(mem):
    """Nodes that can still be given."""
    return len(mem.nodes) - mem.meta[NODES] + mem.meta[FREE_NODES]


@shared
def new_page(mem):
    """A page of one's own."""
    page = mem.meta[FREE_PAGE]
    if page >= 0:
        mem.meta[FREE_PAGE] = np.int64(mem.following[page])
        mem.meta[FREE_PAGES] -= 1
    else:
        page = mem.meta[PAGES]
        mem.meta[PAGES] = page + 1
    mem.following[page] = -1
    return page


@shared
def keep(mem, last, size, data, at, n):
    """Put `n` bytes behind a chain of `size` bytes that ends with page `last`: its new page, its last one."""
    first = np.int64(-1)
    while n > 0:
        used = size % PAGE
        if used == 0:
            page = new_page(mem)
            if last >= 0:
                mem.following[last] = page
            if first < 0:
                first = page
            last = page
        part = min(n, PAGE - used)
        copy_bytes(mem.pages, last * PAGE + used, data, at, part)
        at += part
        n -= part
        size += part
    return first, last


@shared
def copy_out(mem, first, size, out, at):
    """The bytes of a chain, in one piece."""
    page = first
    while size > 0:
        part = min(size, np.int64(PAGE))
        copy_bytes(out, at, mem.pages, page * PAGE, part)
        at += part
        size -= part
        page = np.int64(mem.following[page])


@shared
def free_chain(mem, first):
    """Give back the pages of a chain."""
    page = first
    while page >= 0:
        after = np.int64(mem.following[page])
        mem.following[page] = mem.meta[FREE_PAGE]
        mem.meta[FREE_PAGE] = page
        mem.meta[FREE_PAGES] += 1
        page = after


@shared
def find(mem, flow, table, a, b, c):
    """The node of a list with these keys, -1 where there is none."""
    at = np.int64(flow["tables"][table])
    while at >= 0:
        node = mem.nodes[at]
        if node["a"] == a and node["b"] == b and node["c"] == c:
            return at
        at = np.int64(node["after"])
    return np.int64(-1)


@shared
def append(mem, flow, table, a, b, c):
    """A new node at the end of a list."""
    at = mem.meta[FREE_NODE]
    if at >= 0:
        mem.meta[FREE_NODE] = np.int64(mem.nodes[at]["after"])
        mem.meta[FREE_NODES] -= 1
    else:
        at = mem.meta[NODES]
        mem.meta[NODES] = at + 1
    node = mem.nodes[at]
    end = np.int64(flow["ends"][table])
    node["a"] = a
    node["b"] = b
    node["c"] = c
    node["size"] = 0
    node["first"] = -1
    node["last"] = -1
    node["after"] = -1
    node["before"] = end
    if end >= 0:
        mem.nodes[end]["after"] = at
    else:
        flow["tables"][table] = at
    flow["ends"][table] = at
    flow["counts"][table] += 1
    return at


@shared
def remove(mem, flow, table, at):
    """Take a node out of its list, with its bytes."""
    node = mem.nodes[at]
    before = np.int64(node["before"])
    after = np.int64(node["after"])
    if before >= 0:
        mem.nodes[before]["after"] = after
    else:
        flow["tables"][table] = after
    if after >= 0:
        mem.nodes[after]["before"] = before
    else:
        flow["ends"][table] = before
    flow["counts"][table] -= 1
    if node["first"] >= 0:
        free_chain(mem, np.int64(node["first"]))
        node["first"] = -1
    node["after"] = mem.meta[FREE_NODE]
    mem.meta[FREE_NODE] = at
    mem.meta[FREE_NODES] += 1


@shared
def remove_all(mem, flow, table):
    """Empty a list."""
    while flow["tables"][table] >= 0:
        remove(mem, flow, table, np.int64(flow["tables"][table]))


@shared
def drop_tail(mem, flow, d):
    """Forget the bytes that are held of a direction."""
    free_chain(mem, np.int64(flow["tail"][d]))
    flow["tail"][d] = -1
    flow["tail_end"][d] = -1
    flow["tail_size"][d] = 0


@shared
def drop_held(mem, flow, d):
    """And who brought them."""
    drop_tail(mem, flow, d)
    remove_all(mem, flow, MARKS + d)


@shared
def remember(mem, flow, table, a, b, c, most):
    """The node for these keys, without bytes; the oldest of the list goes where there are too many."""
    if flow["counts"][table] >= most:
        remove(mem, flow, table, np.int64(flow["tables"][table]))
    at = find(mem, flow, table, a, b, c)
    if at < 0:
        return append(mem, flow, table, a, b, c)
    node = mem.nodes[at]
    if node["first"] >= 0:
        free_chain(mem, np.int64(node["first"]))
    node["first"] = -1
    node["last"] = -1
    node["size"] = 0
    return at


@shared
def hold(mem, at, data, start, n):
    """Put bytes behind those of a node."""
    node = mem.nodes[at]
    first, last = keep(mem, np.int64(node["last"]), np.int64(node["size"]), data, start, n)
    if node["first"] < 0:
        node["first"] = first
    node["last"] = last
    node["size"] += n


@shared
def frame_upto(mem, flow, d, upto, frame):
    """The frame with which the first `upto` bytes of what is read were there; `frame` is the last one's."""
    at = np.int64(flow["tables"][MARKS + d])
    while at >= 0:
        node = mem.nodes[at]
        upto -= np.int64(node["a"])
        if upto <= 0:
            return np.int64(node["b"])
        at = np.int64(node["after"])
    return frame
