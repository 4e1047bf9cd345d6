"""Where compiled kernels are kept.

Numba's on-disk cache looks only at the file a function stands in, so a kernel whose callee in another
file changed would be served stale. Each kernel file's folder is therefore named by a digest of its own
source and of every module of the project it imports (kernels freeze constants), and chosen when its
functions are decorated. Where the sources stand does not matter: two installations of one version share
what was compiled.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEEP = 3
ROOMS = ("alerts", "bench", "citywall", "detectors", "ingest", "models", "rules", "stream")

# What /proc/cpuinfo says of a kind of processor, on x86-64 and on arm64; the rest changes all the time.
_OF_PROCESSOR = {
    "vendor_id", "cpu family", "model", "stepping", "flags",
    "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part",
}  # fmt: skip
_IMPORT = re.compile(r"^\s*from\s+([\w.]+)\s+import", re.MULTILINE)


def sources() -> list[Path]:
    """Every kernel file of the project, in a fixed order."""
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("kernels.py"))


def marker() -> Path:
    """The file that tells that every kernel was compiled, and where these lie.

    Of another name for other sources, another Numba or another processor.
    """
    files = sorted({path for source in sources() for path in closure(source)})
    made = "-".join((sys.implementation.cache_tag or "", version("numba"), _processor()))
    return base_folder() / "kernels" / f"compiled-{digest(files)}.{made}"


def whole() -> bool:
    """Whether every kernel has been compiled and is there still: other versions drop old folders."""
    try:
        folders = marker().read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return all(_holds(base_folder() / "kernels" / folder) for folder in folders)


def note_whole() -> None:
    """Every kernel has been compiled now."""
    found, root = marker(), base_folder() / "kernels"
    root.mkdir(parents=True, exist_ok=True)
    folders = (folder_for(source) for source in sources())
    lines = [str(f.relative_to(root)) for f in folders if f.is_relative_to(root) and _holds(f)]
    found.write_text("\n".join(lines), "utf-8")


def _processor() -> str:
    """A digest of what Numba compiles for: the processor's kind and what it can, unless it is told others."""
    given = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8", "replace").partition("\n\n")[0]
    except OSError:  # elsewhere than on Linux
        first = platform.machine()
    kinds = [line for line in first.splitlines() if line.partition(":")[0].strip() in _OF_PROCESSOR]
    return hashlib.sha256("\n".join([*given, *(kinds or [first])]).encode()).hexdigest()[:8]


def _holds(folder: Path) -> bool:
    return any(folder.glob("*.nbi"))


def compiled(source: Path) -> bool:
    """Whether anything in `source` was compiled as it stands."""
    return _holds(folder_for(source))


def closure(source: Path) -> list[Path]:
    """`source` and every module of the project it imports, directly or not, in a fixed order."""
    found: dict[Path, None] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = None
        for module in _IMPORT.findall(path.read_text("utf-8")):
            callee = ROOT.joinpath(*module.split(".")).with_suffix(".py")
            if callee.is_file():
                waiting.append(callee)
    return sorted(found)


def digest(files: list[Path]) -> str:
    """A short digest of the contents of `files`."""
    h = hashlib.sha256()
    for path in files:
        text = path.read_bytes()
        h.update(len(text).to_bytes(8, "little") + text)
    return h.hexdigest()[:16]


def base_folder() -> Path:
    """`CITYWALL_CACHE_DIR`, else the user's cache folder."""
    if given := os.environ.get("CITYWALL_CACHE_DIR"):
        return Path(given)
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "citywall"


@cache
def folder_for(source: Path) -> Path:
    """The cache folder for the kernels of one file, made if need be; older ones of the file are dropped.

    Falls back to a private temporary folder where the cache folder cannot be written.
    """
    own = source.relative_to(ROOT) if source.is_relative_to(ROOT) else source
    name = "-".join(own.with_suffix("").parts[-3:]).strip("/")
    folder = base_folder() / "kernels" / name / digest(closure(source))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        private = Path(tempfile.gettempdir()) / f"citywall-kernels-{os.getuid()}"
        folder = private / name / folder.name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _drop_old(folder)
    return folder


def _drop_old(current: Path) -> None:
    os.utime(current)
    others = sorted((p for p in current.parent.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for stale in others[:-KEEP]:
        shutil.rmtree(stale, ignore_errors=True)
