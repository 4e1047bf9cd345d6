"""Guessing: many short connections alike, then one that stays."""

from __future__ import annotations

import pytest

from drills.traffic import guessing


@pytest.mark.parametrize(("scale", "tries"), [(1.0, 100), (0.1, 40)])
def test_ssh(make_stage, conversations, scale, tries):
    stage = make_stage(scale=scale)
    ends = guessing.ssh(stage, stage.start)
    talks = sorted(conversations(stage).items(), key=lambda item: item[1][0][0].time)
    assert len(talks) == tries + 1
    assert {(src, dst, port) for (src, dst, _, _, port), _ in talks} == {
        (ends.sources[0], ends.targets[0], 22)
    }
    sizes = [sum(p["IP"].len for _, p in talk) for _, talk in talks]
    assert max(sizes[:-1]) == min(sizes[:-1])
    assert sizes[-1] > 3 * sizes[0]
    assert b"SSH-2.0-" in bytes(talks[0][1][3][1])
