"""Alerts say whose the hosts are, and say it the same however they were found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Citywall
from .test_domains import overlapping

REGISTER = """\
units:
  - {id: data, name: 大数据局, persons: [{name: 赵}]}
  - {id: civil, name: 民政局, persons: [{name: 钱}]}
zones:
  - {id: servers, name: 公共业务区}
  - {id: access, name: 委办局接入区}
systems:
  - {id: portal, name: 公众门户, unit: data, zone: servers, importance: 4, mlps_level: 3, cii: true}
assets:
  - {id: web, name: 门户服务器, addresses: [10.9.0.8], system: portal}
  - {id: civil-5, name: 民政库, addresses: [10.0.0.5], domain: vlan 12, unit: civil}
  - {id: data-5, name: 大数据库, addresses: [10.0.0.5], domain: vlan 13, unit: data}
prefixes:
  - {prefix: 10.9.0.0/16, unit: data, zone: servers}
  - {prefix: 10.1.0.0/16, unit: civil, zone: access}
  - {prefix: "2001:db8:1::/48", unit: data, zone: servers}
"""


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("register") / "register.yaml"
    path.write_text(REGISTER)
    return path


@pytest.fixture(scope="module")
def usual(busy: Path, register: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    citywall = Citywall(tmp_path_factory.mktemp("usual"))
    citywall.run(busy, "--set", f"register={register}")
    return citywall.alerts()


def test_every_alert_says_whose_the_hosts_are(usual: dict[str, dict[str, Any]]):
    flood = [a for a in usual.values() if a.get("destination", {}).get("ip") == "10.9.0.8"]
    assert flood
    for alert in flood:
        asset = alert["citywall"]["asset"]
        assert (asset["side"], asset["id"], asset["system"], asset["cii"]) == ("dst", "web", "公众门户", True)
        assert alert["organization"] == {"id": "data", "name": "大数据局"}
    scan = next(a for a in usual.values() if a.get("source", {}).get("ip") == "10.1.0.66")
    assert [place["owner"] for place in scan["citywall"]["asset"]["src"]] == ["民政局"]
    assert scan["citywall"]["zone"] == {"src": ["委办局接入区"], "dst": ["公共业务区"]}
    six = next(a for a in usual.values() if a.get("source", {}).get("ip") == "2001:db8::66")
    assert six["citywall"]["zone"] == {"dst": ["公共业务区"]}


def test_partitions_and_batches_change_nothing(
    citywall: Citywall, busy: Path, register: Path, usual: dict[str, dict[str, Any]]
):
    more = (
        "--set",
        "partitions=3",
        "--set",
        "capture.batch_packets=61",
        "--set",
        "capture.block_bytes=65536",
    )
    citywall.run(busy, "--set", f"register={register}", *more)
    assert citywall.alerts() == usual


def test_without_it_the_alerts_are_those_but_for_what_it_says(
    citywall: Citywall, busy: Path, usual: dict[str, dict[str, Any]]
):
    def bare(alerts: dict[str, dict[str, Any]]) -> list[str]:
        told = []
        for alert in alerts.values():
            own = {
                k: v for k, v in alert["citywall"].items() if k not in {"asset", "zone", "session", "dedup"}
            }
            event = {k: v for k, v in alert["event"].items() if k != "id"}
            kept = {k: v for k, v in alert.items() if k not in {"organization", "citywall", "event"}}
            told.append(repr({**kept, "event": event, "citywall": own}))
        return sorted(told)

    citywall.run(busy)
    plain = citywall.alerts()
    assert bare(plain) == bare(usual)
    assert not plain.keys() & usual.keys()  # documents differ, so sessions do


def test_the_same_address_behind_two_gateways_is_of_two_units(
    citywall: Citywall, register: Path, tmp_path: Path
):
    citywall.run(overlapping(tmp_path / "vlans.pcap"), "--set", f"register={register}")
    alerts = citywall.alerts().values()
    owners = {(a["citywall"]["source"]["domain"], a["organization"]["name"]) for a in alerts}
    assert owners == {("vlan 12", "民政局"), ("vlan 13", "大数据局")}
