"""Chains of pages beside lists; datagrams are tested in tests/ingest/fragments/test_assembler.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.fragments.holding import kernels
from ingest.fragments.layout import META_AT, new_store


def plain(function: Any) -> Any:
    """The function as Python runs it."""
    return getattr(function, "py_func", function)


@given(st.lists(st.one_of(st.integers(1, 9), st.integers(-20, -1)), max_size=40))
def test_no_page_is_in_two_chains(steps: list[int]):
    """A positive step takes a chain of so many pages, a negative one gives the nth back."""
    store = new_store(1 << 18)
    held: list[list[int]] = []
    for step in steps:
        if step > 0:
            page = np.int64(plain(kernels.take_pages)(step, store.following, store.meta))
            chain = []
            while page >= 0:
                chain.append(int(page))
                page = np.int64(store.following[page])
            assert len(chain) == step
            held.append(chain)
        elif held:
            plain(kernels.free_pages)(np.int64(held.pop(step % len(held))[0]), store.following, store.meta)
        pages = [page for chain in held for page in chain]
        assert len(pages) == len(set(pages)) == store.meta[META_AT["pages_held"]]
    assert store.meta[META_AT["pages"]] <= 9 * 40
