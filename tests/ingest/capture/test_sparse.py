from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from citywall.errors import InputError
from drills import packets
from ingest.capture import open_capture
from ingest.capture.sparse import FARTHEST, LARGEST, PassingCapture, SparseCapture
from ingest.decode.reading import decode_block


def capture(path: Path) -> Path:
    packets.write_pcap(
        path, [(10**18 + i, packets.tcp_frame("10.0.0.1", "10.0.0.2", 1000 + i, 80, 2)) for i in range(500)]
    )
    return path


def test_blocks_are_decoded_as_from_the_file(tmp_path: Path):
    with open_capture(capture(tmp_path / "one.pcap")) as whole:
        sparse = SparseCapture("elsewhere", whole.size)
        for ref in whole.blocks(4096):
            sparse.put(ref, whole.buffer[ref.offset : ref.offset + ref.length].tobytes())
            here, there = decode_block(ref, sparse.buffer, 64), decode_block(ref, whole.buffer, 64)
            for mine, theirs in zip(here, there, strict=True):
                assert np.array_equal(mine, theirs)
            sparse.release(ref)
        sparse.close()
        sparse.close()


def test_memory_is_given_back(tmp_path: Path):
    with open_capture(capture(tmp_path / "one.pcap")) as whole:
        ref = next(whole.blocks(1 << 20))
        sparse = SparseCapture("elsewhere", 1 << 40)
        sparse.put(ref, whole.buffer[ref.offset : ref.offset + ref.length].tobytes())
        page = sparse.buffer[4096:8192].copy()
        assert page.any()
        sparse.release(ref)
        assert not sparse.buffer[4096:8192].any()
        sparse.close()


def test_what_does_not_fit_is_refused(tmp_path: Path):
    for size in (0, -1, LARGEST + 1):
        with pytest.raises(InputError, match="cannot be"):
            SparseCapture("elsewhere", size)
    with open_capture(capture(tmp_path / "one.pcap")) as whole:
        first, second = list(whole.blocks(4096))[:2]
        sparse = SparseCapture("elsewhere", first.offset + first.length)
        with pytest.raises(InputError, match="a block of 3 bytes does not fit"):
            sparse.put(first, b"abc")
        with pytest.raises(InputError, match="does not fit"):
            sparse.put(second, bytes(second.length))
        sparse.close()


def test_a_capture_without_end_shows_one_block_at_its_place(tmp_path: Path):
    with open_capture(capture(tmp_path / "one.pcap")) as whole:
        passing = PassingCapture("elsewhere")
        for ref in whole.blocks(4096):
            passing.put(ref, whole.buffer[ref.offset : ref.offset + ref.length].tobytes())
            here, there = decode_block(ref, passing.buffer, 64), decode_block(ref, whole.buffer, 64)
            for mine, theirs in zip(here, there, strict=True):
                assert np.array_equal(mine, theirs)
            assert len(passing.buffer) == ref.offset + ref.length
            assert not passing.buffer.flags.writeable
            passing.release(ref)
            assert len(passing.buffer) == 0
        far = msgspec.structs.replace(ref, offset=FARTHEST - ref.length)
        passing.put(far, bytes(ref.length))
        assert passing.buffer[-1] == 0
        for wrong in (FARTHEST, -1):
            with pytest.raises(InputError, match="does not fit"):
                passing.put(msgspec.structs.replace(ref, offset=wrong), bytes(ref.length))
        with pytest.raises(InputError, match="a block of 3 bytes does not fit"):
            passing.put(ref, b"abc")
        passing.close()
