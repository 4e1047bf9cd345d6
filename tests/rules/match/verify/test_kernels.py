from __future__ import annotations

import numpy as np

from rules.match.verify import kernels


def test_a_program_of_nothing_may_agree_and_bytes_beyond_are_not_read():
    ops = np.zeros((1, kernels.COLUMNS), np.int64)
    ops[0, kernels.KIND], ops[0, kernels.LENGTH] = kernels.CONTENT, 3
    patterns = np.frombuffer(b"abc", np.uint8)
    data = np.frombuffer(b"xxabc", np.uint8)
    room = [np.zeros(kernels.MOST_OPS, np.int64) for _ in range(3)]
    pairs = [(-1, 0, 2), (0, 0, 5), (0, 0, 4), (0, 2, 3), (0, 5, 0)]  # program, begin, size
    columns = [np.array(c, np.int64) for c in zip(*pairs, strict=True)]
    out = np.zeros(len(pairs), np.uint8)
    nothing = np.zeros(len(pairs), np.int64)
    kernels.verify(
        data, columns[1], columns[2], nothing, nothing, columns[0], ops, np.array([0]), np.array([1]),
        np.array([True]), patterns, *room, out,
    )  # fmt: skip
    assert out.tolist() == [kernels.PERHAPS, kernels.YES, kernels.NO, kernels.YES, kernels.NO]
