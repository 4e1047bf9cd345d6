from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_RUN = """
import sys
{before}
from stream.webless import forgo_web_client
forgo_web_client()
forgo_web_client()
import asyncio, tempfile
from pathlib import Path
import stream.engine, stream.desk, stream.app, stream.local.transport, stream.kafka.transport
with tempfile.TemporaryDirectory() as folder:
    app = stream.app.make_app(stream.app.local_url(Path(folder)), asyncio.new_event_loop())
    assert app.conf.Worker and app.transport
print("aiohttp" in sys.modules)
import aiohttp
print(aiohttp.ClientSession.__module__)
import ingest.portals.fetching
"""


def _said(before: str) -> list[str]:
    code = _RUN.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.split()


def test_the_stream_works_without_a_web_client_that_others_may_still_import():
    assert _said("") == ["False", "aiohttp.client"]


def test_one_that_is_there_stays():
    assert _said("import aiohttp") == ["True", "aiohttp.client"]
    assert _said("import faust.types.web") == ["True", "aiohttp.client"]  # else this is no longer needed
