"""What the tests of flow exports share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _wrapping() -> Iterator[None]:
    with np.errstate(over="ignore"):  # hashes wrap on purpose where kernels run as plain Python
        yield
