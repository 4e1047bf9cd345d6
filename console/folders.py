"""Where data is kept when nobody says, the log file in it, and whether kernels are compiled."""

from __future__ import annotations

import os
from pathlib import Path

_MEGABYTE = 1 << 20


def default() -> Path:
    """`CITYWALL_DATA`, else `citywall` in the user's data folder (XDG Base Directory)."""
    if given := os.environ.get("CITYWALL_DATA"):
        return Path(given)
    xdg = os.environ.get("XDG_DATA_HOME", "")
    base = Path(xdg) if xdg.startswith("/") else Path.home() / ".local" / "share"
    return base / "citywall"


def kernels_compiled() -> bool:
    """Whether the meter was compiled as it stands: if not, the first run takes a while longer."""
    from citywall import kernelcache

    return kernelcache.compiled(kernelcache.ROOT / "ingest" / "meter" / "kernels.py")


def log_file(data: Path) -> Path:
    """The log file of a data folder."""
    return data / "logs" / "citywall.log"


def start_log(data: Path, level: str) -> Path | None:
    """Send log records of `level` and above to the data folder's log, five files of 8 MiB in turn.

    Returns the file, or None where the folder cannot be written: the run itself will say why.
    """
    import logging
    import logging.handlers

    logging.raiseExceptions = False  # a disk too full for the log is told by what cannot do without it
    file = log_file(data)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=8 * _MEGABYTE, backupCount=4, encoding="utf-8"
        )
    except OSError:
        logging.getLogger().addHandler(logging.NullHandler())
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, logging.handlers.RotatingFileHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    return file
