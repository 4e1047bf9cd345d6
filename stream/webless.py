"""Faust without a web client, which it imports for nothing but the name of a type.

That takes a tenth of all that a run needs to begin.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_NAMES = ("aiohttp", "aiohttp.client")


def forgo_web_client() -> None:
    """Import Faust's types with a stand-in for aiohttp, unless one of the two is there already.

    To be called before there are threads that could import aiohttp. Whoever needs it gets the real one after.
    """
    if "aiohttp" in sys.modules or "faust.types.web" in sys.modules:
        return
    for name in _NAMES:
        sys.modules[name] = ModuleType(name)
    sys.modules[_NAMES[1]].__dict__["ClientSession"] = object
    try:
        importlib.import_module("faust.types.web")
    finally:
        for name in _NAMES:
            del sys.modules[name]
