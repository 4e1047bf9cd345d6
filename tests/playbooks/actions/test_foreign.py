from __future__ import annotations

from playbooks.actions.registry import FOREIGN


def test_all_of_cacao_is_known() -> None:
    assert {str(kind.__struct_config__.tag) for kind in FOREIGN} == {
        "bash", "caldera-cmd", "elastic", "jupyter", "kestrel", "openc2-http", "powershell", "sigma", "ssh",
        "yara",
    }  # fmt: skip
