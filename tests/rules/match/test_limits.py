from __future__ import annotations

import pytest

from citywall.errors import InputError
from rules.match.limits import read_limits
from tests.rules.conftest import ping


def test_suppressed_limited_and_rated(tmp_path, sids):
    path = tmp_path / "threshold.config"
    path.write_text(
        "# ours\nsuppress gen_id 1, sig_id 1, track by_src, ip [192.168.1.0/24, 10.0.0.1]\n"
        "suppress gen_id 1, sig_id 2, track by_dst, ip 192.168.1.10\n"
        "threshold gen_id 1, sig_id 3, type limit, track by_src, count 1, seconds 60\n"
        "rate_filter gen_id 1, sig_id 4, track by_src, count 2, seconds 60, new_action pass, timeout 100\n"
    )
    text = "".join(f"alert icmp any any -> any any (itype:8; sid:{n};)\n" for n in (1, 2, 3, 4))
    got = sids(text, [ping(n) for n in range(4)], read_limits(path))
    assert {sid: got.count(sid) for sid in (1, 2, 3, 4)} == {1: 0, 2: 4, 3: 1, 4: 2}


@pytest.mark.parametrize(
    "line",
    [
        "forbid gen_id 1", "suppress gen_id 1", "suppress gen_id 1, sig_id 1, track by_moon, ip 1.1.1.1",
        "threshold gen_id 1, sig_id 1, type never, track by_src, count 1, seconds 1",
        "rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 1, new_action explode, timeout 1",
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named(tmp_path, line: str):
    path = tmp_path / "threshold.config"
    path.write_text(f"# x\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        read_limits(path)
