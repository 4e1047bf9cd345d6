from __future__ import annotations

import pytest

from trust.backup.manifest import Manifest, Piece, safe


@pytest.mark.parametrize("name", ["a", "a/b.sqlite", "案件/一"])
def test_names_within_the_folder(name: str):
    assert safe(name)


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../b", "a//b", "./a", "a/", ".", "a\0b"])
def test_names_that_lead_elsewhere(name: str):
    assert not safe(name)


def test_the_size_is_that_of_all_pieces():
    assert Manifest(1, "", "", True, (Piece("a", 3, ""), Piece("b", 4, ""))).size == 7
