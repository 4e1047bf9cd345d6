"""The catalogue is complete in both languages."""

from __future__ import annotations

import string

import pytest

from citywall import i18n


def test_every_text_takes_the_same_values_in_both_languages():
    for key, texts in i18n.catalogue().items():
        fields = [sorted(f for _, f, _, _ in string.Formatter().parse(t) if f) for t in texts.values()]
        assert fields[0] == fields[1], key


@pytest.mark.parametrize(
    ("value", "language"),
    [("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en"), ("C", "en"), ("ZH_TW", "zh")],
)
def test_language_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, language: str):
    monkeypatch.setenv("LC_ALL", value)
    assert i18n.environment_language() == language


def test_unknown_key():
    with pytest.raises(KeyError):
        i18n.tr("no.such", "en")
