from __future__ import annotations

import pytest

from citywall.errors import InputError
from rules.classes import CLASSES, read_classes


def test_a_file_adds_to_what_is_known(tmp_path):
    path = tmp_path / "classification.config"
    path.write_text("# classes\nconfig classification: my-own, Something of ours,2\n")
    assert read_classes(path) == {**CLASSES, "my-own": 2}
    path.write_text("nonsense\n")
    with pytest.raises(InputError, match="line 1"):
        read_classes(path)


def test_the_open_rules_classes_are_known(shared_data):
    assert read_classes(shared_data / "rules" / "et-open-classification.config").items() >= CLASSES.items()
