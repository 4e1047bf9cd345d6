"""The catalogue is complete in both languages."""

from __future__ import annotations

import string
import tomllib
from functools import cache
from pathlib import Path

import pytest

from citywall import i18n


def test_every_text_takes_the_same_values_in_both_languages():
    for key, texts in i18n.catalogue().items():
        fields = [sorted(f for _, f, _, _ in string.Formatter().parse(t) if f) for t in texts.values()]
        assert fields[0] == fields[1], key


def test_sections_are_those_of_the_files():
    whole: dict[str, dict[str, str]] = {}
    for path in i18n.FOLDER.glob("*.toml"):
        for section, entries in tomllib.loads(path.read_text("utf-8")).items():
            whole |= {f"{section}.{key}": text for key, text in entries.items()}
    assert i18n.catalogue() == whole


@pytest.mark.parametrize(
    ("text", "said"),
    [('[a]\nx = {en = "1"}\n', "must have exactly"),
     ('[b]\ny = {en = "1", zh = "2"}\n', "b.y is already")],
)  # fmt: skip
def test_faults_of_the_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str):
    (tmp_path / "1.toml").write_text('[b]\ny = {en = "1", zh = "2"}\n')
    (tmp_path / "2.toml").write_text(text)
    monkeypatch.setattr(i18n, "FOLDER", tmp_path)
    for part in (i18n._pieces, i18n._section, i18n.catalogue):
        monkeypatch.setattr(i18n, part.__name__, cache(part.__wrapped__))
    with pytest.raises(ValueError, match=said):
        i18n.catalogue()


@pytest.mark.parametrize(
    ("value", "language"),
    [("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en"), ("C", "en"), ("ZH_TW", "zh")],
)
def test_language_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, language: str):
    monkeypatch.setenv("LC_ALL", value)
    assert i18n.environment_language() == language


def test_unknown_key():
    assert i18n.known("about.run")
    for key in ("no.such", "about.no_such", "about"):
        with pytest.raises(KeyError):
            i18n.tr(key, "en")
        assert not i18n.known(key)
