from __future__ import annotations

from ingest.applications.files import put_file
from ingest.applications.parser import Transaction
from ingest.applications.tables import FIELD, KIND


def test_a_file_seen_whole_has_hashes_and_one_with_a_hole_has_not():
    made = Transaction(2, 0, 1, 1)
    put_file(made, 1, 7, b"hello", name=b"a")
    found = {kind: (frame, value) for kind, _, _, frame, value in made.buffers}
    assert found[KIND["file.md5"]] == (7, b"5d41402abc4b2a76b9719d911017c592")
    assert found[KIND["file.name"]] == (7, b"a")
    cut = Transaction(2, 0, 1, 1)
    put_file(cut, 1, 7, b"hello", size=9)
    assert KIND["file.md5"] not in {kind for kind, *_ in cut.buffers}
    assert [(f, v) for f, *_, v in cut.numbers] == [(FIELD["file.size"], 9), (FIELD["file.complete"], 0)]
