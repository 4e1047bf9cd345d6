"""Where compiled kernels are kept.

Numba's on-disk cache looks only at the file a function stands in, so a kernel whose callee in another
file changed would be served stale. The folder is therefore named by a digest of every kernel source
of the project, and chosen before Numba is imported.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("citywall", "ingest", "detectors", "rules", "models", "alerts", "bench")
KEEP = 4


def sources() -> list[Path]:
    """Every kernel source of the project, in a fixed order."""
    found: list[Path] = []
    for room in ROOMS:
        found += sorted((ROOT / room).rglob("kernels.py"))
    return found


def digest(files: list[Path]) -> str:
    """A short digest of names and contents of `files`."""
    h = hashlib.sha256()
    for path in files:
        h.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return h.hexdigest()[:16]


def base_folder() -> Path:
    """`CITYWALL_CACHE_DIR`, else the user's cache folder."""
    if given := os.environ.get("CITYWALL_CACHE_DIR"):
        return Path(given)
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "citywall"


def prepare() -> Path:
    """Point Numba at the cache folder of the present sources; call before Numba is imported.

    Falls back to a private temporary folder where the cache folder cannot be written.
    """
    folder = base_folder() / "kernels" / digest(sources())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"citywall-kernels-{os.getuid()}" / folder.name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    if numba := sys.modules.get("numba"):
        numba.config.CACHE_DIR = str(folder)
    _drop_old(folder)
    return folder


def _drop_old(current: Path) -> None:
    os.utime(current)
    others = sorted((p for p in current.parent.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for stale in others[:-KEEP]:
        shutil.rmtree(stale, ignore_errors=True)
