"""The store fits the memory it was given."""

from __future__ import annotations

import pytest

from ingest.fragments.layout import COUNTED, DATAGRAM, META_AT, PIECE, new_store


def test_rows_are_aligned():
    assert DATAGRAM.isalignedstruct
    assert PIECE.isalignedstruct


@pytest.mark.parametrize("mebibytes", [1, 4, 32])
def test_the_store_is_no_larger_than_asked_for(mebibytes):
    store = new_store(mebibytes << 20)
    reserved = sum(array.nbytes for array in store) - store.owner.nbytes
    assert reserved <= 1.01 * (mebibytes << 20)
    assert len(store.following) * 512 == len(store.pages)
    assert len(store.slots) & (len(store.slots) - 1) == 0
    assert len(store.slots) > len(store.datagrams)


def test_what_is_counted_is_kept():
    assert set(COUNTED) < set(META_AT)
    assert COUNTED[0] == "seen"
