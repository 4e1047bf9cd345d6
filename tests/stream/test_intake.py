"""What comes in is in `test_service.py` and `tests/end_to_end/test_service.py`; here, what is let go of."""

from __future__ import annotations

import os
from pathlib import Path

from stream.intake import forget_exports


def test_datagrams_of_sessions_go_when_they_are_old_and_over(tmp_path: Path):
    for name, at in (("old", 100), ("new", 300), ("live", 100)):
        folder = tmp_path / "exports" / name
        folder.mkdir(parents=True)
        (folder / "exports-000001.pcap").write_bytes(b"x")
        os.utime(folder / "exports-000001.pcap", ns=(at, at))
    forget_exports(tmp_path, 200, {"live"})
    assert sorted(path.name for path in (tmp_path / "exports").iterdir()) == ["live", "new"]
    forget_exports(tmp_path / "none", 200, set())
