"""What flows weigh, on a small scale."""

from __future__ import annotations

import sys

import pytest

from bench.generator.capture import Profile, write_capture
from bench.ours import memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_flows_weigh_something_and_the_checkpoint_is_written(tmp_path):
    path = tmp_path / "c.pcap"
    write_capture(path, 20_500, Profile(concurrent=20_000, sweep=1, fixed_length=1000, bare=True))
    told = memory.report(str(path), str(tmp_path))
    assert told["flows"] == 20_000
    assert told["packets"] == 20_500
    assert told["checkpoint"] > 20_000 * 100
    assert told["above_idle"] == told["peak"] - told["idle"] > 0
    assert list(tmp_path.glob("*.checkpoint"))


def test_an_unknown_line_of_the_status_is_an_error():
    with pytest.raises(KeyError):
        memory._memory("NoSuchLine")
