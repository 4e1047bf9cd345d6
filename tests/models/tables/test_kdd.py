"""Reading NSL-KDD, and what pretends to be it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import InputError
from models.tables import kdd

ROW = "0,tcp,http,SF,181,5450,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,8,8,0,0,0,0,1,0,0,9,9,1,0,0.11,0,0,0,0,0"


def written(tmp_path, text: str):
    path = tmp_path / "t.txt"
    path.write_text(text, "utf-8")
    return path


def test_rows_of_every_form(tmp_path):
    text = f"@relation KDD\n% note\n\n{ROW},normal,21\n{ROW},neptune.,5\r\n{ROW},anomaly\n{ROW},'Smurf',1\n"
    table = kdd.read(written(tmp_path, text))
    assert table.labels.tolist() == ["normal", "neptune", "anomaly", "smurf"]
    assert table.classes.tolist() == ["normal", "dos", "other", "dos"]
    assert table.attack.tolist() == [False, True, True, True]
    assert table.bad == 0
    assert table.numbers.shape == (4, 38)
    assert table.numbers[0][[1, 2]].tolist() == [181, 5450]
    assert table.words["flag"].tolist() == ["SF"] * 4
    part = table.take(table.attack)
    assert len(part) == 3
    assert part.words["service"].tolist() == ["http"] * 3


def test_lines_that_are_no_rows_are_counted(tmp_path):
    wrong = [ROW.replace("181", value) + ",normal,1\n" for value in ("many", "nan")]
    text = f"{ROW},normal,21\n1,2,3\n" + "".join(wrong)
    table = kdd.read(written(tmp_path, text))
    assert (len(table), table.bad) == (1, 3)
    assert "line 2: has 3 fields" in table.first_bad


def test_a_file_without_rows(tmp_path):
    with pytest.raises(InputError, match="line 1: field src_bytes: 'x' is no number"):
        kdd.read(written(tmp_path, f"{ROW.replace('181', 'x')},normal,21\n"))
    with pytest.raises(InputError, match="holds no rows"):
        kdd.read(written(tmp_path, ""))
    with pytest.raises(InputError):
        kdd.read(tmp_path / "absent.txt")


@settings(max_examples=40)
@given(data=st.binary(max_size=400), at=st.integers(0, 300))
def test_whatever_bytes_come(tmp_path_factory, data, at):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    text = f"{ROW},normal,21\n".encode()
    path.write_bytes(text + text[:at] + data)
    table = kdd.read(path)
    assert len(table) >= 1
    assert np.isfinite(table.numbers).all()


def test_the_shared_table(shared_data):
    table = kdd.read(shared_data / "captures" / "ml" / "KDDTrain+_20Percent.txt")
    assert (len(table), table.bad) == (25192, 0)
    assert "other" not in table.classes
    assert int(table.attack.sum()) == 11743
