"""Payloads as packets: a buffer and PACKET rows, without a capture around them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("sighted", Path(__file__).parent / "sighted.py")
module = importlib.util.module_from_spec(spec)
sys.modules.setdefault("sighted", module)
spec.loader.exec_module(module)
