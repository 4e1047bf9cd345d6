import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_they_are_checked():
    found = load(None, {}, ['service.triggers={scan="rule.id:scan"}', "service.interfaces=eth0,eth1"]).service
    assert found.triggers == {"scan": "rule.id:scan"}
    assert found.interfaces == ("eth0", "eth1")
    assert (found.watch, found.triggers_live, found.socket_mode) == ("", False, "0600")
    with pytest.raises(SettingsError, match=r"service\.socket_mode"):
        load(None, {}, ["service.socket_mode=0666"])
