"""Waiting for a store that refuses: a while, then the run stops."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from citywall.errors import StoreError

log = logging.getLogger(__name__)

#: Seconds to wait before each new try.
DELAYS = (0.2, 1.0, 3.0)
P = ParamSpec("P")
T = TypeVar("T")


def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call until it succeeds, waiting after each StoreError; raises the last one."""
    for delay in DELAYS:
        try:
            return call(*args, **kwargs)
        except StoreError as e:
            log.warning("the store refused, trying again in %.1f s: %s", delay, e)
            time.sleep(delay)
    return call(*args, **kwargs)
