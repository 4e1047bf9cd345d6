"""The schemas hold what travels, and their sizes are what the hot path counts on."""

from __future__ import annotations

from citywall import batches


def test_sizes():
    assert batches.PACKET.itemsize == 96
    assert batches.FLOW.itemsize == 200
    assert batches.PACKET.isalignedstruct
    assert batches.EVENT.itemsize == 384


def test_names_cover_their_codes():
    assert len(batches.END_REASONS) == batches.END_LOGGED + 1
    kinds = {
        name: code for name, code in vars(batches).items() if name.lower() in batches.EVENT_NAMES.values()
    }
    assert {code: name.lower() for name, code in kinds.items()} | {0: "none"} == batches.EVENT_NAMES
    assert len(set(batches.REASONS)) == len(batches.REASONS)
