from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from citywall.errors import InputError
from rules.sets import sources

FILES = {"rules/a.rules": b"a", "rules/sid-msg.map": b"m", "LICENSE.txt": b"l", "sigma/x/one.yml": b"y",
         "lists/bad.csv": b"c", "../../evil.rules": b"e", "readme.md": b"r"}  # fmt: skip
WANTED = {"signatures/a.rules": b"a", "sigma/sigma/x/one.yml": b"y", "indicators/bad.csv": b"c",
          "signatures/evil.rules": b"e"}  # fmt: skip


def test_archives_are_sorted_by_what_files_are_and_stay_where_they_belong(tmp_path: Path):
    with tarfile.open(tmp_path / "r.tar.gz", "w:gz") as archive:
        for name, data in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("link.rules")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as packed:
        for name, data in FILES.items():
            packed.writestr(name, data)
    assert sources.contents(tmp_path / "r.tar.gz") == WANTED
    assert sources.contents(tmp_path / "r.zip") == WANTED


def test_files_and_folders(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.rules").write_bytes(b"a")
    (tmp_path / "in" / ".hidden.rules").write_bytes(b"h")
    (tmp_path / "b.rules.gz").write_bytes(gzip.compress(b"b"))
    assert sources.contents(tmp_path / "in") == {"signatures/a.rules": b"a"}
    assert sources.contents(tmp_path / "in" / "a.rules") == {"signatures/a.rules": b"a"}
    assert sources.contents(tmp_path / "b.rules.gz") == {"signatures/b.rules": b"b"}


@pytest.mark.parametrize(
    ("name", "data"), [("a.tar", b"x" * 600), ("a.zip", b"x"), ("a.rules.gz", b"x"), ("a.md", b"x")]
)
def test_what_cannot_be_used_is_said(tmp_path: Path, name: str, data: bytes):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=name):
        sources.contents(tmp_path / name)
    with pytest.raises(InputError):
        sources.contents(tmp_path / "none.rules")
