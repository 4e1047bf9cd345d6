"""What the settings say of detectors."""

from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from detectors.choosing import HOLDING, IDENTITIES, read, size_parameters
from detectors.registry import DETECTORS


def test_tables_of_sizes_are_read_and_shown():
    chosen = read({"identities": {"subjects": 64}, "slowflood": {"enabled": False}}, DETECTORS)
    assert chosen.identities.subjects == 64
    assert "slowflood" not in chosen.enabled
    shown = size_parameters()
    assert {p.name for p in shown[IDENTITIES]} == {"subjects"}
    assert {p.name for p in shown[HOLDING]} == {"held"}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"holding": {"held": 1}}, "detectors.holding.held"),
        ({"scan": {"exempt": ["nowhere"]}}, "detectors.scan.exempt"),
        ({"nothing": {}}, "detectors.nothing"),
    ],
)
def test_wrong_settings_name_their_key(given, key):
    with pytest.raises(SettingsError) as error:
        read(given, DETECTORS)
    assert error.value.key == key
