"""What the generator's tests share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def hashes_may_wrap():
    """Where kernels run as plain Python, NumPy would complain of products that wrap on purpose."""
    with np.errstate(over="ignore"):
        yield
