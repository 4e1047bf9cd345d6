"""Running a server as somebody else: Elasticsearch refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import ServiceUnavailable

NAME = "nobody"
#: Capabilities by bit (linux/capability.h), the weaker first. With either, the account can read programs and
#: reach data below folders that are root's alone, as a home folder or a test's temporary folder is.
REACH = {2: "dac_read_search", 1: "dac_override"}


@dataclass(frozen=True)
class Account:
    """An account without rights."""

    uid: int
    gid: int

    def command(self, argv: Sequence[str | Path]) -> list[str]:
        """The command that runs `argv` as this account, in the same process."""
        program = shutil.which("setpriv")
        if program is None:
            raise ServiceUnavailable(
                "setpriv (util-linux) is needed to run a server as an account without rights"
            )
        reach = reachable()
        # Without the secure bit access(2), which Java asks before it opens, would leave capabilities out.
        capabilities = (
            [f"--inh-caps=+{reach}", f"--ambient-caps=+{reach}", "--securebits=+no_setuid_fixup"]
            if reach
            else []
        )
        identity = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--no-new-privs"]
        return [program, *identity, *capabilities, *map(str, argv)]

    def own(self, folder: Path) -> None:
        """Make `folder` and all in it this account's."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def other_than_root() -> Account | None:
    """The account to use where this process is root's; None where it is not, and no other is needed."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        return Account(65534, 65534)
    return Account(entry.pw_uid, entry.pw_gid)


def reachable() -> str | None:
    """The weakest capability at hand that opens folders of root's; None if there is none.

    A container may have few.
    """
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    bounding = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    return next((name for bit, name in REACH.items() if bounding >> bit & 1), None)
