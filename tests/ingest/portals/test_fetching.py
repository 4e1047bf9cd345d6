"""Visits of real servers on loopback, IPv4 and IPv6, in clear and with TLS; hostile ones among them."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from citywall.portals import Portal
from citywall.portalsettings import PortalSettings
from ingest.portals import fetching
from ingest.portals.fetching import Prober
from ingest.portals.visits import Visit
from tests.websites import Site, kept

SETTINGS = {"pause_s": 0, "timeout_s": 10, "max_kib": 64}


def visit(site: Site, url: str = "", portal: Portal | None = None, **more: Any) -> Visit:
    url = url or site.url
    prober = Prober(PortalSettings(**{**SETTINGS, **more}), clock=lambda: 7)
    return asyncio.run(prober.visit(portal or Portal("www", "门户", (site.url,)), url))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_page_is_visited_three_ways(address: str) -> None:
    with Site(address) as site:
        found = visit(site)
        assert (found.time, found.address, found.port, found.source) == (7, address, site.port, address)
        assert found.answer.status == 200
        assert found.answer.page is not None
        assert found.answer.page.title == "某市人民政府"
        assert set(found.others) == {"spider", "search"}
        browser, spider, search = site.asked
        assert "Chrome" in browser["User-Agent"] == search["User-Agent"]
        assert "Baiduspider" in spider["User-Agent"]
        assert "baidu" in search["Referer"]
        assert "Referer" not in browser
        assert not visit(site, spider="", referrer="").others


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_certificates_are_looked_at_and_not_judged(tmp_path: Path, address: str) -> None:
    with Site(address, kept(tmp_path, "a", "www.example.com", days=-3)) as site:
        found = visit(site)
        assert found.answer.status == 200
        assert found.certificate is not None
        assert found.certificate.names == ("www.example.com",)
        site.renew(*kept(tmp_path, "b", address, issuer="Somebody"))
        renewed = visit(site)
        assert renewed.certificate is not None
        assert renewed.certificate.issuer == "O=CFCA, CN=Somebody"
        assert renewed.certificate.pin != found.certificate.pin


def test_redirects_stay_at_home() -> None:
    with Site() as site, Site() as elsewhere:
        site.location = f"http://localhost:{elsewhere.port}/x"
        away = visit(site).answer
        assert (away.status, away.away, away.page) == (302, "localhost", None)
        site.location = f"http://127.0.0.1:{elsewhere.port}/x"  # the host is ours, the port is not
        assert visit(site).answer.away == f"127.0.0.1:{elsewhere.port}"
        site.location = "file:///etc/passwd"
        assert visit(site).answer.away == "file:///etc/passwd"
        assert elsewhere.asked == []
        site.location = "/again"
        looping = visit(site, redirects=3).answer
        assert (looping.error, len(looping.hops)) == ("redirects", 3)
        both = Portal("www", "门户", (site.url, f"http://localhost:{elsewhere.port}/"))
        site.location = f"http://localhost:{elsewhere.port}/x"
        followed = visit(site, portal=both).answer
        assert (followed.status, followed.hops) == (200, (site.location,))


def test_much_is_cut_and_bombs_do_not_go_off() -> None:
    with Site() as site:
        site.body = "<p>一二三四五</p>" * 99_999
        found = visit(site).answer
        assert (found.cut, found.size) == (True, 64 << 10)

        async def bomb(_: web.Request) -> web.Response:
            headers = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
            return web.Response(body=gzip.compress(b"<a>" * 2_000_000), headers=headers)

        site.answer = bomb
        found = visit(site).answer
        assert found.status == 200
        assert found.page is not None


def test_what_dawdles_breaks_or_is_no_page() -> None:
    with Site() as site:

        async def dawdle(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(600):
                await response.write(b".")
                await asyncio.sleep(0.05)
            return response

        site.answer = dawdle
        assert visit(site, timeout_s=0.4).answer.error == "timeout"

        async def broken(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.close()
            return web.Response()

        site.answer = broken
        assert visit(site).answer.error == "broken"

        async def picture(_: web.Request) -> web.StreamResponse:
            return web.Response(body=b"\x89PNG<a href=//x.test>", content_type="image/png")

        site.answer = picture
        page = visit(site).answer.page
        assert page is not None
        assert page.links == ()
        secure = site.url.replace("http:", "https:")
        assert visit(site, secure, Portal("www", "门户", (secure,))).answer.error == "tls"
        gone = site.url
    assert visit(site, gone).answer.error == "refused"
    nowhere = "http://no-such-host.invalid/"
    assert visit(site, nowhere, Portal("www", "门户", (nowhere,))).answer.error == "no_address"


@pytest.mark.parametrize(
    ("data", "told", "text"),
    [
        ("政府".encode(), None, "政府"),
        ("政府".encode("gbk"), None, "政府"),
        ("政府".encode("gbk"), "GB2312", "政府"),
        (b"<meta charset='big5'>" + "政府".encode("big5"), None, "<meta charset='big5'>政府"),
        ("政府".encode("gbk"), "utf-8", "政府"),
        (b"abc", "punycode", "abc"),  # one in which reading takes for ever
        (b"\xff\xff\xff", None, "\ufffd\ufffd\ufffd"),
    ],
)
def test_character_sets(data: bytes, told: str | None, text: str) -> None:
    assert fetching.decoded(data, told) == text


def test_what_is_compressed_against_our_will() -> None:
    assert fetching.inflated(gzip.compress(b"abc"), "gzip", 99) == b"abc"
    assert fetching.inflated(gzip.compress(b"abc" * 1000), "GZIP", 10) == b"abcabcabca"
    assert fetching.inflated(b"abc", "gzip", 99) == b"abc"
    assert fetching.inflated(b"abc", "", 99) == b"abc"
