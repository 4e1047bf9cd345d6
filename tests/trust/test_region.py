from __future__ import annotations

from pathlib import Path

import pytest

from trust.records import MAX_LINE
from trust.region import CLOSING, torn_from

RECORD = b'{"n":1}\n'


@pytest.mark.parametrize(
    ("rest", "torn"),
    [
        (b'{"n":', True),
        (b'{"n":2}', True),  # whole but for its newline: it never counted
        (b'{"n":' + CLOSING + b'{"n', True),
        (b'{"n":' + CLOSING, True),
        (b"", False),
        (b'{"n":\n', False),
        (b'{"n":2}\n{"n":', False),
        (b"x" * (16 * MAX_LINE + 1), False),
    ],
)
def test_what_writes_cut_short_can_leave(tmp_path: Path, rest: bytes, torn: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(RECORD + rest)
    assert torn_from(path, len(RECORD)) == (rest if torn else None)
