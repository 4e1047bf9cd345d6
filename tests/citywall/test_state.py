"""Parts of a checkpoint are checked when they come back."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.state import array_of, bytes_of


def test_parts_are_checked():
    parts = {"a": np.zeros(3, np.int64), "b": b"x"}
    assert array_of(parts, "a", np.dtype(np.int64)).size == 3
    assert bytes_of(parts, "b") == b"x"
    with pytest.raises(ValueError, match="'a'"):
        array_of(parts, "a", np.dtype(np.int32))
    with pytest.raises(ValueError, match="'b'"):
        array_of(parts, "b", np.dtype(np.int64))
    with pytest.raises(ValueError, match="'a'"):
        bytes_of(parts, "a")
