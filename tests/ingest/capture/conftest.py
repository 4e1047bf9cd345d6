"""Gives tests the capture writer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load(path: Path) -> ModuleType:
    name = "citywall_test_" + path.stem
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def writing() -> ModuleType:
    return load(Path(__file__).with_name("writing.py"))


@pytest.fixture
def read_all(tmp_path):
    """Write bytes to a file and read all of it: (rows, counts, references)."""
    import numpy as np

    from citywall.batches import PACKET
    from ingest.capture import DecodeCounts, decode_block, open_capture

    def read(data: bytes, *, block_bytes=1 << 20, batch=4096, name="x.pcap", max_record=1 << 20):
        path = tmp_path / name
        path.write_bytes(data)
        counts = DecodeCounts()
        with open_capture(path) as file:
            refs = list(file.blocks(block_bytes, max_record_bytes=max_record))
            batches = [rows for ref in refs for rows in decode_block(ref, file.buffer, batch, counts)]
        rows = np.concatenate(batches) if batches else np.empty(0, PACKET)
        return rows, counts, refs

    return read
