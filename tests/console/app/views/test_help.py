from __future__ import annotations

import pytest

from console.app.application import Console
from console.app.views.help import sections
from console.app.working import Working
from console.display.sheet import layout, plain


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_key_is_told(language: str):
    told = " ".join(plain(layout(sections(language), 100))).split()
    names = {"colon": ":", "slash": "/", "question_mark": "?", "escape": "esc"}
    for binding in (*Console.BINDINGS, *Working.BINDINGS):
        key = binding.key  # type: ignore[union-attr]
        assert names.get(key, key) in told or key in "56789", key
