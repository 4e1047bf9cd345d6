from __future__ import annotations

import json
from typing import Any

from citywall.settings import keys
from console.commands import settings


def test_every_key_is_listed(invoke: Any):
    shown = invoke("settings").stdout
    for key in keys():
        assert key in shown
    assert "8388608" in shown


def test_json(invoke: Any):
    told = json.loads(invoke("settings", "--json").stdout)
    assert [entry["key"] for entry in told] == list(keys())
    home = next(entry for entry in told if entry["key"] == "home")
    assert "10.0.0.0/8" in home["default"]
    assert home["description"]


def test_every_key_is_explained_in_chinese():
    for key, (_, _, description) in keys().items():
        words = settings.meaning(key, description, "zh")
        assert any("\u4e00" <= character <= "\u9fff" for character in words), key
        assert settings.meaning(key, description, "en")


def test_a_key_nobody_translated_keeps_its_own_words():
    assert settings.meaning("no.such.key", "As declared.", "zh") == "As declared."


def test_defaults_as_toml():
    assert settings.written(("a", "b")) == '["a", "b"]'
    assert settings.written({}) == "{}"
    assert settings.written({"x": 1}) == "{x = 1}"
    assert [settings.written(v) for v in (True, 7, 2.5, "auto")] == ["true", "7", "2.5", '"auto"']
