from __future__ import annotations

import click
import pytest

from console import language


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--lang", "zh"], "zh"),
        (["--lang=en", "run"], "en"),
        (["--lang"], None),
        (["--lang", "fr"], None),
        (["--", "--lang", "zh"], None),
        ([], None),
    ],
)
def test_from_arguments(arguments: list[str], expected: str | None):
    assert language.from_arguments(arguments) == expected


def test_order_of_sources(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.delenv("CITYWALL_LANGUAGE", raising=False)
    assert language.default() == "zh"
    assert language.default("en") == "en"
    monkeypatch.setenv("CITYWALL_LANGUAGE", "en")
    assert language.default("auto") == "en"
    context = click.Context(click.Command("x"))
    language.remember(context, ["--lang", "zh"])
    assert language.of(context, "en") == "zh"
    assert language.of(None, "zh") == "zh"


def test_asked_is_what_the_command_line_says():
    context = click.Context(click.Command("x"))
    assert language.asked(context) is None
    language.remember(context, ["--lang", "zh"])
    assert language.asked(context) == "zh"
