"""Rows as numbers."""

from __future__ import annotations

import msgspec
import numpy as np

from models.tables import kdd
from models.tables.encoding import COLUMNS, Encoding


def test_columns_mean_what_they_are_called(kdd_train, kdd_test):
    table = kdd.read(kdd_train)
    encoding = Encoding.of(table.take(~table.attack))
    test = kdd.read(kdd_test)
    rows = encoding.encode(test)
    assert rows.shape == (len(test), len(COLUMNS))
    column = dict(zip(COLUMNS, rows.T, strict=True))
    np.testing.assert_allclose(
        column["src_bytes"], np.log1p(test.numbers[:, kdd.NUMBERS.index("src_bytes")]), rtol=1e-6
    )
    np.testing.assert_array_equal(column["service=http"], test.words["service"] == "http")
    np.testing.assert_array_equal(column["flag=S0"], test.words["flag"] == "S0")
    assert (column["service_is_usual"][test.words["service"] == "private"] == 0).all()
    assert (column["service_is_usual"][test.words["service"] == "http"] > 3).all()


def test_training_and_judging_encode_alike_through_a_file(kdd_train, kdd_test):
    table = kdd.read(kdd_train)
    encoding = Encoding.of(table.take(~table.attack))
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(encoding)), Encoding)
    test = kdd.read(kdd_test)
    np.testing.assert_array_equal(again.encode(test), encoding.encode(test))
    # A row's numbers do not depend on the company it keeps.
    np.testing.assert_array_equal(encoding.encode(test.take(np.arange(5))), encoding.encode(test)[:5])
