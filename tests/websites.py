"""Web sites on loopback that tests of portals visit, with certificates made for them."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = (
    "<html><head><title>某市人民政府</title></head><body>"
    + "".join(
        f"<p>第{i}条 关于做好{chr(0x4E00 + i * 31)}{chr(0x5000 + i * 57)}工作的通知。</p>" for i in range(60)
    )
    + "<a href='http://www.gov.cn/'>国务院</a></body></html>"
)
DARK = '<div style="display:none"><a href="http://dark.example.com/">澳门葡京</a></div>'


def certificate(
    *names: str, issuer: str = "CFCA OV OCA", days: int = 300, key: Any = None
) -> tuple[bytes, bytes, Any]:
    """A certificate and its key in PEM, and the certificate itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())

    def named(*parts: tuple[Any, str]) -> x509.Name:
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])

    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    others: list[x509.GeneralName] = []
    for name in names:
        try:
            others.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            others.append(x509.DNSName(name))
    made = (
        x509.CertificateBuilder()
        .subject_name(named((NameOID.COUNTRY_NAME, "CN"), (NameOID.COMMON_NAME, names[0])))
        .issuer_name(named((NameOID.ORGANIZATION_NAME, "CFCA"), (NameOID.COMMON_NAME, issuer)))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=400))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), pem, made


class Site:
    """A web server in a thread of its own; `answer` may be exchanged while it runs."""

    def __init__(self, address: str = "127.0.0.1", tls: tuple[Path, Path] | None = None) -> None:
        self.body, self.status, self.location = PAGE, 200, ""
        self.asked: list[dict[str, str]] = []
        self.answer: Answer = self._page
        self.address = address
        self._tls = tls
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # it was stopped before
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    @property
    def url(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http{'s' if self._tls else ''}://{host}:{self.port}/"

    def renew(self, chain: Path, key: Path) -> None:
        """Show another certificate from now on."""
        self._context.load_cert_chain(chain, key)

    async def _page(self, _: web.Request) -> web.StreamResponse:
        if self.location:
            return web.Response(status=302, headers={"Location": self.location})
        return web.Response(text=self.body, status=self.status, content_type="text/html")

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked.append(dict(request.headers))
            return await self.answer(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        context = None
        if self._tls:
            context = self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
        site = web.TCPSite(runner, self.address, 0, ssl_context=context)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()


def kept(folder: Path, name: str, *names: str, **more: Any) -> tuple[Path, Path]:
    """A certificate in two files."""
    chain, key, _ = certificate(*names, **more)
    (folder / f"{name}.pem").write_bytes(chain)
    (folder / f"{name}.key").write_bytes(key)
    return folder / f"{name}.pem", folder / f"{name}.key"
