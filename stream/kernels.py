"""Rows to columns and back, as codecs need it.

Block by block, so that rows are in the cache while every column of them is copied.
"""

from __future__ import annotations

from citywall.kernels import kernel, load_le16, load_le32, load_le64

BLOCK = 256


@kernel
def gather(rows, itemsize, n, offsets, widths, starts, out1, out2, out4, out8):
    """Copy field j of row i to byte `starts[j] + i * widths[j]` of the output.

    `rows`: u1[n * itemsize]; `offsets`, `widths` (1, 2, 4 or 8), `starts` (multiples of 8): i8[k]. `out1` to
    `out8` are views of one buffer as u1, u2, u4 and u8. The caller checks that all of it fits.
    """
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        for j in range(len(offsets)):
            width = widths[j]
            at = begin * itemsize + offsets[j]
            to = starts[j] // width + begin
            if width == 8:
                for i in range(end - begin):
                    out8[to + i] = load_le64(rows, at + i * itemsize)
            elif width == 4:
                for i in range(end - begin):
                    out4[to + i] = load_le32(rows, at + i * itemsize)
            elif width == 2:
                for i in range(end - begin):
                    out2[to + i] = load_le16(rows, at + i * itemsize)
            else:
                for i in range(end - begin):
                    out1[to + i] = rows[at + i * itemsize]


@kernel
def scatter(columns, starts, n, itemsize, offsets, widths, rows1, rows2, rows4, rows8):
    """Undo `gather`.

    Field j of row i is read at byte `starts[j] + i * widths[j]` of `columns` (u1, any alignment) and written
    to the rows, given as views of one buffer as u1, u2, u4 and u8. `itemsize` is a multiple of 8 and every
    offset one of its width. The caller checks that all of it fits.
    """
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        for j in range(len(offsets)):
            width = widths[j]
            at = starts[j] + begin * width
            step = itemsize // width
            to = begin * step + offsets[j] // width
            if width == 8:
                for i in range(end - begin):
                    rows8[to + i * step] = load_le64(columns, at + i * 8)
            elif width == 4:
                for i in range(end - begin):
                    rows4[to + i * step] = load_le32(columns, at + i * 4)
            elif width == 2:
                for i in range(end - begin):
                    rows2[to + i * step] = load_le16(columns, at + i * 2)
            else:
                for i in range(end - begin):
                    rows1[to + i * step] = columns[at + i]
