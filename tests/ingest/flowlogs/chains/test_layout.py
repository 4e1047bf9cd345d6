"""Rows are as small as they can be: rings of them are kept in checkpoints."""

from ingest.flowlogs.chains.layout import MARK, NAME


def test_rows_are_packed_as_words():
    assert (NAME.itemsize % 8, MARK.itemsize % 8) == (0, 0)
    assert (NAME.itemsize, MARK.itemsize) == (80, 24)
