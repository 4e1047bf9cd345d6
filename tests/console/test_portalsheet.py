from __future__ import annotations

import json

import pytest

from citywall.i18n import LANGUAGES, tr
from citywall.portals import DRIFT_NAMES, Portal
from console import portalsheet
from ingest.portals.certificates import Shown
from ingest.portals.page import Hidden, Page
from ingest.portals.visits import Answer, Drift, Known, Visit
from stream.probing import Standing

URL = "https://www.city.example.gov.cn/"
PORTAL = Portal("www", "门户", (URL,))
SHOWN = Shown("f", "sha256/a", "O=CFCA", "CN=w", "1", 0, 1_800_000_000, ("w",))
PAGE = Page(title="T", hidden=(Hidden("a.test", "display", "x"),))
VISIT = Visit("www", URL, 1_790_000_000 * 10**9, Answer(200, page=PAGE), "::1", "::2", 443, certificate=SHOWN)
STANDING = Standing("www", URL, Known(3, 200), {"hidden": Drift("hidden", "a.test", 1, True, 10**18)}, VISIT)


class Speech:
    def __init__(self, language: str) -> None:
        self.speech = language

    def tr(self, key: str, **values: object) -> str:
        return tr(key, self.speech, **values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_name(language: str) -> None:
    names = [portalsheet.kind_name(kind, Speech(language)) for kind in DRIFT_NAMES[1:]]
    assert len(set(names)) == len(names)


def test_a_page_as_an_object() -> None:
    told = json.loads(json.dumps(portalsheet.plain(PORTAL, URL, STANDING, whole=True)))
    assert told["drifts"] == [
        {
            "kind": "hidden",
            "value": "a.test",
            "measure": 1,
            "grave": True,
            "since": "2001-09-09T01:46:40.000000000Z",
        }
    ]
    assert (told["visited"][:4], told["certificate"]["pin"], told["accepted_at"]) == (
        "2026",
        "sha256/a",
        None,
    )
    assert told["hidden"] == [{"host": "a.test", "how": "display", "text": "x"}]
    never = portalsheet.plain(PORTAL, URL, None)
    assert (never["visited"], never["drifts"]) == (None, [])
