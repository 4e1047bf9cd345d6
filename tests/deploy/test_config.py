import tomllib
from pathlib import Path

import pytest

from citywall import settings

CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "config"


@pytest.mark.parametrize("name", ["worker.toml", "sensor.toml"])
def test_settings_are_known(name):
    loaded = settings.load(CONFIG / name, environment={})
    assert loaded.kafka.tls
    assert loaded.kafka.user == name.removesuffix(".toml")


@pytest.mark.parametrize("name", ["worker.toml", "sensor.toml"])
def test_no_secret_stands_in_a_file_for_everybody(name):
    tree = tomllib.loads((CONFIG / name).read_text("utf-8"))
    tables = [tree, *(value for value in tree.values() if isinstance(value, dict))]
    secret = {
        key: value for table in tables for key, value in table.items() if "password" in key or "key" in key
    }
    assert secret
    assert all(key.endswith("_file") and value.startswith("/etc/citywall/") for key, value in secret.items())


def test_the_services_triggers_can_be_used(tmp_path):
    from playbooks.triggers import Triggers

    loaded = settings.load(CONFIG / "service.toml", environment={})
    assert loaded.service.triggers
    Triggers(tmp_path, loaded)
