from __future__ import annotations

import msgspec
import pytest

from citywall.domains import DomainSettings
from citywall.errors import SettingsError
from citywall.limits import check, origin_of
from citywall.settings import KafkaSettings, Settings


def test_where_a_key_came_from():
    origins = {"kafka": "a.toml", "kafka.user": "--set"}
    assert origin_of("kafka.user", origins) == "--set"
    assert origin_of("kafka.tls", origins) == "a.toml"
    assert origin_of("home", origins) == "settings"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"home": ("10.0.0.1/8",)}, "home"),
        ({"domains": DomainSettings(vlans={"9999": "x"})}, "domains.vlans.9999"),
        ({"kafka": KafkaSettings(request_bytes=2 << 20)}, "kafka.request_bytes"),
        ({"kafka": KafkaSettings(fetch_bytes=2 << 20)}, "kafka.fetch_bytes"),
        ({"kafka": KafkaSettings(heartbeat_s=9.0)}, "kafka.heartbeat_s"),
        ({"kafka": KafkaSettings(certificate="c")}, "kafka.certificate"),
        ({"kafka": KafkaSettings(user="u")}, "kafka.user"),
    ],
)
def test_what_types_cannot_say(changes: dict, key: str):
    check(Settings(), {})
    with pytest.raises(SettingsError) as raised:
        check(msgspec.structs.replace(Settings(), **changes), {key.partition(".")[0]: "here"})
    assert (raised.value.key, raised.value.origin) == (key, "here")
