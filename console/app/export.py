"""Writing what a filter finds to a file, a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from citywall.errors import DataFolderError


def export(path: Path, documents: Callable[[], Iterable[dict[str, Any]]]) -> int:
    """Write documents to a new file; returns how many. Raises DataFolderError where it cannot be written.

    A file that could not be finished is removed: half an export looks like a whole one.
    """
    count = 0
    try:
        with path.open("x", encoding="utf-8") as out:
            try:
                for document in documents():
                    out.write(json.dumps(document, ensure_ascii=False) + "\n")
                    count += 1
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except OSError as e:
        raise DataFolderError(f"{path}: {e.strerror or e}") from e
    return count
