import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNITS = ("citywall-worker.service", "citywall-sensor@.service", "citywall.service")
#: What systemd-analyze gives a service is 0 (shut in) to 10 (open); most services of a distribution have 9.
MOST_EXPOSED = 2.0


class Repeated(dict):
    """Values of a key that is given more than once, as lists."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self:
            value = self[key] + value
        super().__setitem__(key, value)


def unit(name):
    parser = configparser.RawConfigParser(strict=False, dict_type=Repeated, allow_no_value=False)
    parser.optionxform = str
    parser.read(SYSTEMD / name, "utf-8")
    return parser


@pytest.mark.parametrize("name", UNITS)
def test_services_are_shut_in(name):
    service = unit(name)["Service"]
    for key, value in {
        "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
        "RestrictSUIDSGID": "yes", "LockPersonality": "yes", "Restart": "on-failure",
    }.items():  # fmt: skip
        assert service[key] == value
    accounts = re.findall(r"^u (\S+)", (SYSTEMD / "citywall.sysusers").read_text("utf-8"), re.MULTILINE)
    assert service["User"] in accounts
    assert service["ExecStart"].startswith("/opt/citywall/bin/citywall ")


def test_only_what_captures_sees_raw_packets_and_only_what_blocks_changes_the_network():
    worker, sensor, service = (unit(name)["Service"] for name in UNITS)
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_NET_RAW CAP_NET_ADMIN"
    assert "AF_PACKET" in service["RestrictAddressFamilies"]
    assert worker["CapabilityBoundingSet"] == ""
    assert "AmbientCapabilities" not in worker
    assert sensor["CapabilityBoundingSet"] == sensor["AmbientCapabilities"] == "CAP_NET_RAW"
    assert "AF_PACKET" in sensor["RestrictAddressFamilies"]
    assert "AF_PACKET" not in worker["RestrictAddressFamilies"]
    assert worker["User"] != sensor["User"]


@pytest.mark.parametrize("name", UNITS)
def test_nothing_is_written_where_systemd_forbids(name):
    service = unit(name)["Service"]
    text = (SYSTEMD / name).read_text("utf-8")
    folders = (f"/var/lib/{service['StateDirectory']}", f"/var/cache/{service['CacheDirectory']}")
    assert set(re.findall(r"/var/[^\s]+", text)) == set(folders)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line(name, tmp_path):
    # With a program that exists, so that only what is wrong with the unit is said.
    path = tmp_path / name
    path.write_text((SYSTEMD / name).read_text("utf-8").replace("/opt/citywall/bin/citywall", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "citywall" in line] == []
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", path], capture_output=True, text=True, check=False
    )
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stderr
    assert float(exposure[1]) <= MOST_EXPOSED
