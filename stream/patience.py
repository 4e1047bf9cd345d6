"""Waiting for a store: as long as it takes where it is away, a little where it refuses.

A store that cannot be reached or has no room (StoreUnavailable) makes its stage wait, and so, through the
log, everything before it; nothing is dropped. Every other StoreError is tried a few times and then raised.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from citywall.errors import StoreError, StoreUnavailable

log = logging.getLogger(__name__)

#: Seconds to wait before each new try of what is refused.
DELAYS = (0.2, 1.0, 3.0)
#: Seconds of the first and of the longest wait for a store that is away; each is twice the one before.
FIRST, LONGEST = 0.2, 15.0
#: A wait is shorter by up to this share, so that workers do not all come back at once.
JITTER = 0.5
P = ParamSpec("P")
T = TypeVar("T")


class Patience:
    """Tries calls again. `waits` counts tries that failed for want of the store, `waited` their seconds."""

    def __init__(self) -> None:
        self.waits = 0
        self.waited = 0.0
        self.reason = ""  # why the store is waited for at this moment; empty where it is not
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End every wait, now and from now on: what is tried next is tried once, and its error raised."""
        self._stopped.set()

    def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call until it succeeds; raises what it raised last where that is hopeless or the wait was ended."""
        began = time.monotonic()
        away = refused = 0
        while True:
            try:
                result = call(*args, **kwargs)
            except StoreUnavailable as e:
                self.waits += 1
                away += 1
                self.reason = str(e)
                delay = min(FIRST * 2 ** min(away - 1, 16), LONGEST) * (1 - JITTER * random.random())  # noqa: S311
                log.warning("waiting for the store, try %d in %.1f s: %s", away + 1, delay, e)
                self._pause(delay, e)
            except StoreError as e:
                if refused == len(DELAYS):
                    raise
                delay = DELAYS[refused]
                refused += 1
                log.warning("the store refused, trying again in %.1f s: %s", delay, e)
                self._pause(delay, e)
            else:
                if away:
                    log.warning("the store took it after %.1f s", time.monotonic() - began)
                self.reason = ""
                return result

    def _pause(self, delay: float, error: StoreError) -> None:
        began = time.monotonic()
        stopped = self._stopped.wait(delay)
        self.waited += time.monotonic() - began
        if stopped:
            raise error


def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call with a patience of its own, for stores on this machine."""
    return Patience()(call, *args, **kwargs)
