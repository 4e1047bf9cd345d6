from __future__ import annotations

import pytest

from citywall.portals import DRIFT_CODES, DRIFT_NAMES, Portal, host_of, port_of, within


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://WWW.City.example.gov.cn/a?b", "www.city.example.gov.cn", 443),
        ("http://[2001:db8::1]:8080/", "2001:db8::1", 8080),
        ("http://www.example.cn./", "www.example.cn", 80),
        ("http://[::1", "", 0),
        ("http://a:99999/", "a", 0),
        ("mailto:a@b", "", 0),
        ("/local", "", 0),
    ],
)
def test_hosts_and_ports_of_urls(url: str, host: str, port: int) -> None:
    assert (host_of(url), port_of(url)) == (host, port)


def test_domains_hold_themselves_and_what_is_below_where_they_say_so() -> None:
    assert within("www.gov.cn", ("*.gov.cn",))
    assert within("gov.cn", ("*.gov.cn",))
    assert not within("www.gov.cn", ("gov.cn",))
    assert not within("evilgov.cn", ("*.gov.cn",))
    portal = Portal("www", "门户", ("https://a.example.cn/",), domains=("*.gov.cn",))
    assert portal.expects("a.example.cn")
    assert portal.expects("x.gov.cn")
    assert not portal.expects("b.example.cn")


def test_numbers_of_drifts_are_their_places() -> None:
    assert [DRIFT_CODES[name] for name in DRIFT_NAMES] == list(range(len(DRIFT_NAMES)))
