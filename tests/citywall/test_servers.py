from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.servers import ElasticsearchSettings, KafkaSettings
from citywall.settings import load, results_digest


def test_they_are_settings_like_others_and_change_no_result():
    given = ["kafka.user=gate", "kafka.mechanism=PLAIN", "elasticsearch.index_prefix=city"]
    settings = load(environment={}, assignments=given)
    assert settings.kafka == KafkaSettings(user="gate", mechanism="PLAIN")
    assert settings.elasticsearch == ElasticsearchSettings(index_prefix="city")
    assert results_digest(settings) == results_digest(load(environment={}))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("kafka.mechanism=GSSAPI", r"kafka\.mechanism"),
        ("kafka.password=secret", r"kafka\.password: no such setting"),
        ("elasticsearch.index_prefix=Upper", r"elasticsearch\.index_prefix"),
    ],
)
def test_what_cannot_be_is_refused_by_key(given: str, reason: str):
    with pytest.raises(SettingsError, match=reason):
        load(environment={}, assignments=[given])
