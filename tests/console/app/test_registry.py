from __future__ import annotations

import pytest

from citywall.i18n import LANGUAGES, tr
from console.app import registry
from console.app.view import View


@pytest.mark.parametrize("name", list(registry.VIEWS))
def test_every_view_can_be_made_and_is_in_the_catalogue(name: str):
    view = registry.make(name)
    assert isinstance(view, View)
    assert view.kind == name
    for language in LANGUAGES:
        assert tr(f"app_view.{name}", language)
        for _, key in view.hints:
            assert tr(f"app_key.{key}", language)
        if registry.VIEWS[name].jump:
            assert tr(f"app_about.{name}", language)


def test_names_may_be_shortened_where_that_is_clear():
    assert registry.matching("alerts") == "alerts"
    assert registry.matching("ov") == "overview"
    assert registry.matching("h") is None  # host, help
    assert registry.matching("alert") == "alerts"  # one alert is not gone to by name
    assert registry.matching("") is None
    assert registry.matching("x") is None
