"""What a stage gives so that its state can be checkpointed.

A snapshot is a mapping of names to arrays or bytes. Arrays may be views of live state: the checkpoint
writer copies them to disk before the stage is called again, so that no second copy is ever in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Parts = dict[str, NDArray[Any] | bytes]


def array_of(parts: Parts, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array called `name`, checked against `dtype`; raises ValueError where it differs."""
    value = parts[name]
    if not isinstance(value, np.ndarray) or value.dtype != dtype:
        raise ValueError(f"checkpoint part {name!r} is not an array of the expected type")
    return value


def bytes_of(parts: Parts, name: str) -> bytes:
    """The bytes called `name`; raises ValueError where it is an array."""
    value = parts[name]
    if isinstance(value, np.ndarray):
        raise ValueError(f"checkpoint part {name!r} is an array, not bytes")
    return bytes(value)
