"""How often this program looks for garbage."""

from __future__ import annotations

import gc

#: Thresholds of the three generations (see `gc.set_threshold`).
THRESHOLDS = (400_000, 20, 20)


def collect_seldom() -> None:
    """Look for garbage that goes in circles only now and then.

    Imports make hundreds of thousands of objects that stay, and so do alerts for as long as they are open:
    looking through them is in vain, for of what goes next to nothing goes in circles.
    """
    gc.set_threshold(*THRESHOLDS)
