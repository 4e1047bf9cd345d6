"""Fetches pages of portals: bounded in size, time and redirects, and never from a host that is not declared.

A page is fetched from the address that a first connection found, which also showed the certificate. Nothing
of a page is followed but redirects within the portal's own hosts. Certificates are looked at, not trusted:
what is wrong with one is a finding, not an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from citywall.portals import Portal, host_of, port_of
from citywall.portalsettings import PortalSettings
from ingest.portals import certificates, page
from ingest.portals.visits import ORDINARY, SEARCH, SPIDER, Answer, Visit

#: Addresses of a name that are tried.
_ADDRESSES = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 1 << 16
_HTML = ("html", "xml", "text/plain")


class Way:
    """What the first connection found: where a host is, from where we see it, and its certificate."""

    def __init__(self) -> None:
        self.address = self.source = self.error = ""
        self.certificate: certificates.Shown | None = None


class Prober:
    """Visits pages of portals by `settings`. `clock` gives the time that visits are stamped with (ns)."""

    def __init__(self, settings: PortalSettings, clock: Callable[[], int] = time.time_ns) -> None:
        self._settings = settings
        self._clock = clock
        self._tls = _unjudging()

    async def visit(self, portal: Portal, url: str) -> Visit:
        """Visit one page in every way; never raises for what a server does."""
        began, way = self._clock(), Way()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._find(way, url)
        except TimeoutError:
            way.error = "timeout"
        answers = {ORDINARY: Answer(error=way.error)}
        if not way.error:
            with contextlib.suppress(TimeoutError):  # what was had by then is what there is
                async with asyncio.timeout(2 * self._settings.timeout_s):
                    await self._fetch_all(portal, url, way, answers)
        return Visit(
            portal.id, url, began, answers.pop(ORDINARY), way.source, way.address, port_of(url), answers,
            way.certificate,
        )  # fmt: skip

    def _ways(self) -> Iterable[tuple[str, dict[str, str]]]:
        """As whom a page is visited: the names of the ways, and what a request says."""
        own = {
            "User-Agent": self._settings.agent, "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5",
            "Accept-Encoding": "identity", "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
        }  # fmt: skip
        yield ORDINARY, own
        if self._settings.spider:
            yield SPIDER, own | {"User-Agent": self._settings.spider}
        if self._settings.referrer:
            yield SEARCH, own | {"Referer": self._settings.referrer}

    async def _fetch_all(self, portal: Portal, url: str, way: Way, answers: dict[str, Answer]) -> None:
        for at, (how, headers) in enumerate(self._ways()):
            if at:
                await asyncio.sleep(self._settings.pause_s)
            answers[how] = await self._fetch(portal, url, way, headers)
            if answers[ORDINARY].down:
                return

    # --- the way there ---

    async def _find(self, way: Way, url: str) -> None:
        """Connect once: to the first address that answers."""
        loop = asyncio.get_running_loop()
        host, port = host_of(url), port_of(url)
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            way.error = "no_address"
            return
        context = self._tls if urlsplit(url).scheme == "https" else None
        for address in list(dict.fromkeys(str(each[4][0]) for each in found))[:_ADDRESSES]:
            way.error, way.address = "refused", address.partition("%")[0]
            try:
                _, writer = await asyncio.open_connection(
                    address, port, ssl=context, server_hostname=host if context else None
                )
            except ssl.SSLError:
                way.error = "tls"
                return
            except OSError:
                continue
            way.error = ""
            self._look(way, writer)
            writer.transport.abort()
            return

    @staticmethod
    def _look(way: Way, writer: asyncio.StreamWriter) -> None:
        name = writer.get_extra_info("sockname")
        way.source = str(name[0]).partition("%")[0] if name else ""
        tls = writer.get_extra_info("ssl_object")
        if tls is not None and (data := tls.getpeercert(binary_form=True)):
            with contextlib.suppress(certificates.Broken):
                way.certificate = certificates.read(data)

    # --- pages ---

    async def _fetch(self, portal: Portal, url: str, way: Way, headers: dict[str, str]) -> Answer:
        """One request and the redirects that may be followed."""
        hops: list[str] = []
        try:
            async with asyncio.timeout(self._settings.timeout_s), self._session(portal, url, way) as session:
                while True:
                    async with session.get(url, headers=headers, allow_redirects=False) as response:
                        target = _target(url, response)
                        if target is None:
                            return await self._read(portal, url, response, tuple(hops))
                        if not _own(portal, target):
                            return Answer(response.status, hops=tuple(hops), away=_place(portal, target))
                        if len(hops) >= self._settings.redirects:
                            return Answer(response.status, "redirects", tuple(hops))
                        hops.append(target[:500])
                        url = target
        except TimeoutError:
            error = "timeout"
        except aiohttp.ClientSSLError:
            error = "tls"
        except aiohttp.ClientConnectorError:
            error = "refused"
        except (aiohttp.ClientError, OSError, ValueError):
            error = "broken"
        return Answer(error=error, hops=tuple(hops))

    def _session(self, portal: Portal, url: str, way: Way) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls, resolver=_Resolver(portal, host_of(url), way.address), limit=1, force_close=True,
            use_dns_cache=False,
        )  # fmt: skip
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
            max_line_size=8190, max_field_size=8190,
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
        )  # fmt: skip

    async def _read(
        self, portal: Portal, url: str, response: aiohttp.ClientResponse, hops: tuple[str, ...]
    ) -> Answer:
        most, pieces, size = self._settings.max_kib << 10, [], 0
        cut = False
        async for piece in response.content.iter_chunked(_PIECE):
            pieces.append(piece[: most - size])
            size += len(pieces[-1])
            if size >= most:
                cut = True
                break
        if not any(kind in response.content_type for kind in _HTML):
            return Answer(response.status, hops=hops, size=size, cut=cut, page=page.Page())
        data = inflated(b"".join(pieces), response.headers.get("Content-Encoding", ""), most)
        text = decoded(data, response.charset)
        found = await asyncio.to_thread(page.read, text, url, portal.ignore)
        return Answer(response.status, hops=hops, size=size, cut=cut, page=found)


class _Resolver(AbstractResolver):
    """Names of a portal's own hosts and no others; that of the page is where it was found at first."""

    def __init__(self, portal: Portal, host: str, address: str) -> None:
        self._hosts, self._host, self._address = portal.hosts, host, address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The address of a host; raises OSError where it is not the portal's."""
        del family
        if host == self._host:
            return [_resolved(host, self._address, port)]
        if host not in self._hosts:
            raise OSError(f"{host} is no host of the portal")
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [_resolved(host, str(each[4][0]), port) for each in found[:_ADDRESSES]]

    async def close(self) -> None:
        """There is nothing to let go of."""


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    six = ipaddress.ip_address(address).version == 6
    return ResolveResult(
        hostname=host, host=address, port=port, family=socket.AF_INET6 if six else socket.AF_INET,
        proto=0, flags=socket.AI_NUMERICHOST,
    )  # fmt: skip


def _unjudging() -> ssl.SSLContext:
    """TLS with whatever a server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLError):
        context.set_ciphers("DEFAULT:@SECLEVEL=1")  # weak keys are there to be seen
    return context


def _target(url: str, response: aiohttp.ClientResponse) -> str | None:
    """Where a redirect leads to; None where the answer is none."""
    where = response.headers.get("Location", "")
    if response.status not in _REDIRECTS or not where:
        return None
    try:
        return urljoin(url, where.strip().replace("\\", "/"))
    except ValueError:
        return where


def _own(portal: Portal, url: str) -> bool:
    """Whether a redirect may be followed: to a host of the portal, at a port of its pages or a usual one."""
    ports = {80, 443, *(port_of(each) for each in portal.urls)}
    return (
        urlsplit(url).scheme in {"http", "https"} and host_of(url) in portal.hosts and port_of(url) in ports
    )


def _place(portal: Portal, url: str) -> str:
    """What to call where a redirect leads to that is not followed: the host, of our own with the port."""
    host = host_of(url)
    return url[:100] if not host else f"{host}:{port_of(url)}" if host in portal.hosts else host


def decoded(data: bytes, told: str | None) -> str:
    """A page as text: in the character set that the answer tells, or the page, or what fits."""
    names = [told or ""]
    if found := page.CHARSET.search(data[:4096]):
        names.append(found[1].decode("ascii"))
    for name in (*names, "utf-8", "gb18030"):
        with contextlib.suppress(UnicodeError):
            if codec := _CHARSETS.get(name.lower()):
                return data.decode(codec)
    return data.decode("utf-8", "replace")


def inflated(data: bytes, encoding: str, most: int) -> bytes:
    """What a server compressed although it was asked not to, at most `most` bytes of it."""
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        return data
    try:
        return zlib.decompressobj(47).decompress(data, most)  # a header of zlib's or gzip's
    except zlib.error:
        return data


#: Character sets that pages are read in; Python has others in which reading can take for ever.
_CHARSETS = {
    "utf-8": "utf-8", "utf8": "utf-8", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030",
    "big5": "big5hkscs", "utf-16": "utf-16", "iso-8859-1": "cp1252", "windows-1252": "cp1252",
    "us-ascii": "cp1252",
}  # fmt: skip
