"""The machine: its Python, room on its disk, kernels, programs that some parts need, live traffic."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator

from console import folders, units
from console.doctor.check import Found, World, broken, good, lacking

_LEAST_BYTES = 1 << 30
_ETH_P_ALL = 3
#: Programs, and what is not to be had without them.
PROGRAMS = {"nft": "program_nft", "tcpdump": "program_tcpdump", "tmux": "program_tmux"}


def python(_world: World) -> Iterator[Found]:
    """Version and machine."""
    told = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    yield good("python", **told) if sys.version_info >= (3, 11) else broken("python_old", **told)


def disk(world: World) -> Iterator[Found]:
    """Room where data is kept, and whether it can be written."""
    at = world.data
    while not at.exists() and at != at.parent:
        at = at.parent
    if not os.access(at, os.W_OK | os.X_OK):
        yield broken("data_not_writable", path=at)
        return
    free = shutil.disk_usage(at).free
    told = {"path": world.data, "size": units.size(free)}
    yield good("disk", **told) if free >= _LEAST_BYTES else lacking("disk_low", **told)


def kernels(_world: World) -> Iterator[Found]:
    """Whether kernels are compiled."""
    yield good("kernels") if folders.kernels_compiled() else lacking("kernels_not_compiled")


def programs(_world: World) -> Iterator[Found]:
    """Programs beside us."""
    for name, text in PROGRAMS.items():
        path = shutil.which(name)
        yield good("program", name=name, path=path) if path else lacking(text, name=name)


def live(_world: World) -> Iterator[Found]:
    """Whether this user may listen to interfaces."""
    if not hasattr(socket, "AF_PACKET"):
        yield lacking("live_no_linux")
        return
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)).close()
    except PermissionError:
        yield lacking("live_not_allowed")
    except OSError as e:
        yield lacking("live_failed", reason=e.strerror or str(e))
    else:
        yield good("live")
