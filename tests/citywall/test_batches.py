"""The schemas hold what travels, and their sizes are what the hot path counts on."""

from __future__ import annotations

from citywall import batches


def test_sizes():
    assert batches.PACKET.itemsize == 96
    assert batches.FLOW.itemsize == 200
    assert batches.PACKET.isalignedstruct


def test_names_cover_their_codes():
    assert len(batches.END_REASONS) == batches.END_LOGGED + 1
    assert len(batches.EVENT_NAMES) == batches.FRAGMENT_LENGTH + 1
    assert len(set(batches.REASONS)) == len(batches.REASONS)
