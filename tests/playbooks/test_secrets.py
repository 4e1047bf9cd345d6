from __future__ import annotations

from pathlib import Path

import pytest

from citywall.settings import load
from playbooks.actions.base import Failed, World
from playbooks.secrets import secret


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("word\nrest\n")
    (tmp_path / "empty").write_text("\n")
    world = World(tmp_path, load(environment={}, assignments=[f"playbooks.secrets={tmp_path}"]))
    assert secret("one", world) == "word"
    for name in ("empty", "none", "../one", ""):
        with pytest.raises(Failed, match="no_secret"):
            secret(name, world)
    with pytest.raises(Failed, match="no_secret"):
        secret("one", World(tmp_path, load(environment={})))
