"""A portal through the service: visited by the clock and by hand, tampered with, accepted; kills between."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.story.house import House, wait
from tests.websites import DARK, PAGE, Site, kept

from .conftest import Citywall
from .test_service import timeless

REGISTER = """\
units: [{{id: u, name: 市政府办, persons: [{{name: 王}}]}}]
systems: [{{id: s, name: 公众门户, unit: u, importance: 5, mlps_level: 3}}]
portals: [{{id: www, name: 门户, urls: ["{url}"], system: s, interval: 1440}}]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site("::1", kept(tmp_path, "first", "::1")) as made:
        yield made


def test_from_the_first_visit_to_acceptance_and_over_kills(tmp_path: Path, site: Site):
    register = tmp_path / "register.yaml"
    register.write_text(REGISTER.format(url=site.url), "utf-8")
    settings = {"register": str(register), "portals.learn": "1", "portals.pause_s": "0"}
    house = House(tmp_path / "house", settings)
    try:
        house.start()
        wait(lambda: site.asked, house.told)  # by the clock
        wait(lambda: house.read("portals", "list")[0]["learned"] == 1, house.told)
        site.body = PAGE + DARK
        site.renew(*kept(tmp_path, "second", "::1", issuer="Somebody"))
        house.act("ann", "portals", "probe", "www")
        alerts = wait(lambda: (found := house.alerts()) and len(found) == 3 and found, house.told)
        kinds = {(a["rule"]["id"], a["event"]["action"]): a for a in alerts.values()}
        assert set(kinds) == {("darklink", "hidden"), ("portal", "certificate"), ("portal", "issuer")}
        hidden = kinds["darklink", "hidden"]
        assert hidden["organization"] == {"id": "u", "name": "市政府办"}
        assert (hidden["destination"]["ip"], "source" in hidden) == ("::1", False)
        house.end(signal.SIGKILL)
        house.start_again()
        assert house.act("ann", "portals", "probe", "www")["drifts"]  # still there, and told
        assert house.act("wang", "portals", "accept", "www", "--reason", "a trial")["accepted_by"] == "wang"
        assert house.act("ann", "portals", "probe", "www")["drifts"] == []
        records = sorted((house.data / "portals" / "records").glob("*.jsonl"))
        assert len(records) == 2
        wait(lambda: len(done(house)) == 2, house.told)
        assert house.end() == 0
        assert house.alerts().keys() == alerts.keys()
        assert [r["object"] for r in house.audit() if r["action"] == "portals.accept"] == ["portal:www"]
        assert house.read("audit", "verify")[0]["ok"]
    finally:
        house.close()
    replayed = Citywall(tmp_path / "plain")
    replayed.run(*records, "--set", f"register={register}")
    assert timeless(house.alerts()) == replayed.alerts()


def done(house: House) -> list[str]:
    """Files of records that were taken in."""
    from stream.inbox import Inbox

    counts = Inbox(house.data / "portals", None, 0).counts()
    return ["done"] * counts.get("done", 0)
