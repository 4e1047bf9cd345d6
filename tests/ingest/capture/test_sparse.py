from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from citywall.errors import InputError
from drills import packets
from ingest.capture import open_capture
from ingest.capture.sparse import FARTHEST, PassingCapture
from ingest.decode.reading import decode_block


def capture(path: Path) -> Path:
    packets.write_pcap(
        path, [(10**18 + i, packets.tcp_frame("10.0.0.1", "10.0.0.2", 1000 + i, 80, 2)) for i in range(500)]
    )
    return path


def test_one_block_is_shown_at_its_place_and_decoded_as_from_the_file(tmp_path: Path):
    with open_capture(capture(tmp_path / "one.pcap")) as whole:
        passing = PassingCapture("elsewhere")
        for ref in whole.blocks(4096):
            passing.put(ref, whole.buffer[ref.offset : ref.offset + ref.length].data)
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
