import os
import subprocess
from pathlib import Path

import pytest

from bench.services import account

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.mark.skipif(os.geteuid() == 0, reason="is root")
def test_nobody_else_is_needed():
    assert account.other_than_root() is None


@root_only
def test_it_is_somebody_else_who_reads_what_is_roots(tmp_path):
    if account.reachable() is None:
        pytest.skip("this container lends no capability")
    program = tmp_path / "private" / "text"
    program.parent.mkdir(mode=0o700)
    program.write_text("read me")
    program.chmod(0o600)
    nobody = account.other_than_root()
    command = nobody.command(["sh", "-c", f"id -u; test -r {program} && cat {program}"])
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == f"{nobody.uid}\nread me"


@root_only
def test_a_folder_is_given_with_all_in_it(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to("/etc/passwd")
    nobody = account.other_than_root()
    nobody.own(tmp_path / "a")
    assert {p.lstat().st_uid for p in (tmp_path / "a", *(tmp_path / "a").rglob("*"))} == {nobody.uid}
    assert Path("/etc/passwd").stat().st_uid == 0
