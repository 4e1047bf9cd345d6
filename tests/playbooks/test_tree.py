from __future__ import annotations

from playbooks.tree import MAX_BYTES, read
from posture.nodes import Fields, Scalar


def test_json_keeps_its_lines_and_its_tabs_within_texts() -> None:
    root, faults = read(b'{\n\t"a":1,\n\t"b": "x\\ty \\u4e2d"}', "x.json", as_json=True)
    assert faults == []
    assert isinstance(root, Fields)
    assert root.fields["a"] == (2, Scalar(2, "1", plain=True))
    assert root.fields["b"] == (3, Scalar(3, "x\ty 中", plain=False))


def test_what_is_too_large() -> None:
    root, (fault,) = read(b" " * (MAX_BYTES + 1), "x", as_json=False)
    assert (root, fault.key) == (None, "playbook_fault.too_large")
