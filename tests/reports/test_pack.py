from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from citywall import sm3
from citywall.errors import DataFolderError
from citywall.permissions import Identity
from reports import pack
from reports.nightly import build


def test_files_and_the_hashes_of_each(inputs: Any, fact: Any, tmp_path: Path):
    made = pack.files(build(inputs(fact())), ["zh", "en"])
    pack.write(tmp_path / "a" / "b", made)
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == sorted(made)
    told = json.loads((tmp_path / "a" / "b" / pack.MANIFEST).read_bytes())
    assert {f["name"] for f in told["files"]} == set(made) - {pack.MANIFEST}
    assert set(made) == {
        "nightly-2024-05-01.json", "nightly-2024-05-01.zh.html", "nightly-2024-05-01.zh.pdf",
        "nightly-2024-05-01.en.html", "nightly-2024-05-01.en.pdf", "manifest.json",
    }  # fmt: skip
    for file in told["files"]:
        data = (tmp_path / "a" / "b" / file["name"]).read_bytes()
        assert file["bytes"] == len(data)
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["sm3"] == sm3.hexdigest(data)


def test_a_folder_that_cannot_be(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError):
        pack.write(tmp_path / "file", {"a": b""})


def test_the_audit_record_has_the_manifest_s_hashes():
    made = {"a.json": b"a", pack.MANIFEST: b"m"}
    told = pack.recorded("2024-05-01", made, Identity("li", ("analyst",)))
    assert (told.action, told.object, told.after) == (
        "reports.make", "report:nightly-2024-05-01", f"sm3:{sm3.hexdigest(b'm')}",
    )  # fmt: skip
    assert told.detail == {"sha256": hashlib.sha256(b"m").hexdigest(), "files": 2}
