import re
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))


def sources(service):
    """Names of the secrets a service is given."""
    return {entry if isinstance(entry, str) else entry["source"] for entry in service.get("secrets", [])}


def test_every_secret_is_declared_and_used(compose):
    used = set().union(*(sources(service) for service in compose["services"].values()))
    assert used == set(compose["secrets"])
    ignored = (DEPLOY / "compose" / ".gitignore").read_text().split()
    assert {Path(entry["file"]).parent.name + "/" for entry in compose["secrets"].values()} <= set(ignored)


def test_nobody_is_given_what_they_need_not(compose):
    services = compose["services"]
    assert "kafka_sensor_password" not in sources(services["worker"])
    assert "elastic_password" not in sources(services["worker"])
    assert not {name for name in sources(services["kafka"]) if name.startswith("elastic")}


def test_every_volume_is_declared(compose):
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", volume).split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / "compose" / source).is_file(), volume


def test_images_are_of_one_version(compose):
    for service in compose["services"].values():
        assert re.search(r":\d+\.\d+\.\d+$", service["image"])


def test_services_are_limited_and_come_back(compose):
    for service in compose["services"].values():
        assert service["restart"] == "unless-stopped"
        assert service["mem_limit"]
    assert compose["services"]["worker"]["deploy"]["replicas"] == 2
    assert compose["services"]["worker"]["cap_drop"] == ["ALL"]


def test_only_kafka_is_open_to_other_machines(compose):
    open_ports = {
        name: [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        for name, service in compose["services"].items()
    }
    assert {name for name, ports in open_ports.items() if ports} == {"kafka"}


def test_the_files_agree(compose):
    """The workers' settings name the files and addresses that the compose file gives."""
    worker = (DEPLOY / "config" / "worker.toml").read_text("utf-8")
    given = {entry["target"] for entry in compose["services"]["worker"]["secrets"]}
    assert set(re.findall(r'"(/etc/citywall/[^"]+)"', worker)) == given
    properties = (DEPLOY / "compose" / "kafka.properties").read_text("utf-8")
    assert "CLIENTS://kafka:9093" in properties
    assert 'transport = "kafka://kafka:9093"' in worker
    for secret in re.findall(r"/run/secrets[:/](\w+)", properties):
        assert secret in sources(compose["services"]["kafka"])
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert compose["services"]["worker"]["build"]["dockerfile"] == "deploy/Dockerfile"
    assert "USER citywall" in dockerfile
    assert "--uid 10001" in dockerfile
    assert "uid=10001" in "".join(compose["services"]["worker"]["tmpfs"])
